import type { Container, Pod, ResourceFieldRef } from './cluster-objects.ts'
import { countedIn } from './quantity.ts'

/** What a pod gets to know about itself beside its own object. */
export interface PodFacts {
  readonly pod: Pod
  readonly podIP: string
  readonly hostIP: string
  readonly nodeName: string
  /** Of the node, where a container sets no limit of its own. */
  readonly capacity: Readonly<Record<string, string>>
}

/** The value of a downward API field (`fieldRef`). Throws for a field that there is not. */
export function fieldValue(path: string, { pod, podIP, hostIP, nodeName }: PodFacts): string {
  const { metadata, spec } = pod
  const entry = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path)
  if (entry !== null) return metadata[entry[1] as 'labels' | 'annotations']?.[entry[2] as string] ?? ''
  const fields: Readonly<Record<string, () => string>> = {
    'metadata.name': () => metadata.name,
    'metadata.namespace': () => metadata.namespace,
    'metadata.uid': () => metadata.uid,
    'metadata.labels': () => mapLines(metadata.labels),
    'metadata.annotations': () => mapLines(metadata.annotations),
    'spec.nodeName': () => nodeName,
    'spec.serviceAccountName': () => spec.serviceAccountName ?? 'default',
    'status.podIP': () => podIP,
    'status.podIPs': () => podIP,
    'status.hostIP': () => hostIP,
    'status.hostIPs': () => hostIP,
  }
  const read = Object.hasOwn(fields, path) ? fields[path] : undefined
  if (read === undefined) throw new Error(`fieldRef: there is no field ${path}`)
  return read()
}

/** The value of a `resourceFieldRef`; a limit that is not set is the node's whole capacity. */
export function resourceValue(ref: ResourceFieldRef, own: Container | undefined, facts: PodFacts): string {
  const { containers, initContainers = [] } = facts.pod.spec
  const container =
    ref.containerName === undefined
      ? own
      : [...containers, ...initContainers].find((one) => one.name === ref.containerName)
  if (container === undefined) throw new Error(`resourceFieldRef: there is no container ${ref.containerName ?? ''}`)
  const [, sort, resource] = /^(limits|requests)\.([\w.-]+)$/.exec(ref.resource) ?? []
  if (sort === undefined || resource === undefined) throw new Error(`resourceFieldRef: there is no ${ref.resource}`)
  const limit = container.resources?.limits?.[resource] ?? facts.capacity[resource]
  const value = sort === 'limits' ? limit : container.resources?.requests?.[resource]
  return countedIn(value ?? '0', ref.divisor)
}

/** `key="value"` lines in order of the keys. */
function mapLines(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n')
}
