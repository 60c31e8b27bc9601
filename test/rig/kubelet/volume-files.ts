import type { DownwardFiles, FilesOf, Volume, VolumeSource } from './cluster-objects.ts'
import { ConfigMissing, type ConfigSource } from './environment.ts'
import { fieldValue, type PodFacts, resourceValue } from './pod-fields.ts'
import type { ProjectedFile } from './projected-folder.ts'

const DEFAULT_MODE = 0o644

/** A ServiceAccount token that is wanted in a file. */
export type TokenRequest = NonNullable<VolumeSource['serviceAccountToken']>

/** What the files of a volume are made from. */
export interface FileSources {
  readonly config: ConfigSource
  readonly facts: PodFacts
  /** The current token for a request. */
  token(request: TokenRequest): string
  /**
   * To whom token files belong: the user as whom all containers run, if there is one. Then, or when the pod has an fsGroup,
   * nobody else may read them.
   */
  readonly tokenOwner: number | undefined
  readonly tokenMode: number | undefined
}

/** The parts of a configMap, secret, downwardAPI or projected volume; undefined for one that is no such volume. */
export function volumeSources(volume: Volume): readonly VolumeSource[] | undefined {
  const { configMap, secret, downwardAPI, projected } = volume
  if (configMap) return [{ configMap }]
  if (secret) return [{ secret: { ...secret, name: secret.secretName } }]
  if (downwardAPI) return [{ downwardAPI }]
  return projected?.sources ?? (projected ? [] : undefined)
}

/**
 * All files of such a volume, now.
 * @throws ConfigMissing for an object or key that is not there and not optional
 */
export function volumeFiles(volume: Volume, from: FileSources): Map<string, ProjectedFile> {
  const defaultMode =
    [volume.configMap, volume.secret, volume.downwardAPI, volume.projected].find((one) => one !== undefined)
      ?.defaultMode ?? DEFAULT_MODE
  const files = new Map<string, ProjectedFile>()
  for (const source of volumeSources(volume) ?? []) {
    const owner = source.serviceAccountToken ? from.tokenOwner : undefined
    for (const [path, content, mode = defaultMode] of contentsOf(source, from))
      files.set(path, { content, mode, owner })
  }
  return files
}

type Content = readonly [path: string, content: Buffer, mode?: number | undefined]

function contentsOf(source: VolumeSource, from: FileSources): readonly Content[] {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source
  if (configMap) {
    const found = from.config.configMap(configMap.name)
    const all = new Map([
      ...Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
      ...Object.entries(found?.binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
    ])
    return chosen(found === undefined ? undefined : all, 'configmap', configMap)
  }
  if (secret) {
    const found = from.config.secret(secret.name)
    const all = Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const)
    return chosen(found === undefined ? undefined : new Map(all), 'secret', secret)
  }
  if (serviceAccountToken) {
    return [[serviceAccountToken.path, Buffer.from(from.token(serviceAccountToken)), from.tokenMode]]
  }
  return downwardContents(downwardAPI ?? {}, from.facts)
}

function chosen(
  all: ReadonlyMap<string, Buffer> | undefined,
  kind: string,
  { name, items, optional }: FilesOf & { readonly name: string },
): readonly Content[] {
  if (all === undefined) {
    if (optional) return []
    throw new ConfigMissing(`${kind} "${name}" not found`)
  }
  if (items === undefined || items.length === 0) return [...all]
  return items.flatMap(({ key, path, mode }) => {
    const content = all.get(key)
    if (content !== undefined) return [[path, content, mode] as const]
    if (optional) return []
    throw new ConfigMissing(`${kind} "${name}" has no key ${key}`)
  })
}

function downwardContents({ items = [] }: DownwardFiles, facts: PodFacts): readonly Content[] {
  return items.map(({ path, mode, fieldRef, resourceFieldRef }) => {
    const text = fieldRef
      ? fieldValue(fieldRef.fieldPath, facts)
      : resourceFieldRef
        ? resourceValue(resourceFieldRef, undefined, facts)
        : ''
    return [path, Buffer.from(text), mode] as const
  })
}
