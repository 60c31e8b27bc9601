import type { ImageParameters } from '../api/gateway-parameters.ts'

interface ImageParts {
  readonly registry: string | undefined
  readonly repository: string
  /** With its mark: `:tag`, `@digest`, both, or nothing. */
  readonly version: string
}

/** The image reference of the settings with those parts replaced that the parameters name. */
export function imageReference(own: string, { registry, repository, tag, digest }: ImageParameters = {}): string {
  const parts = partsOf(own)
  const host = registry ?? parts.registry
  // A digest names exactly one image: beside it a tag would say nothing, and the default's must not outlive a new tag.
  const version = digest !== undefined ? `@${digest}` : tag !== undefined ? `:${tag}` : parts.version
  return `${host === undefined ? '' : `${host}/`}${repository ?? parts.repository}${version}`
}

/** As the distribution reference grammar has it: what stands before the first slash is a host if it looks like one. */
function partsOf(reference: string): ImageParts {
  const at = reference.indexOf('@')
  const untilDigest = at === -1 ? reference : reference.slice(0, at)
  const colon = untilDigest.indexOf(':', untilDigest.lastIndexOf('/') + 1)
  const path = colon === -1 ? untilDigest : untilDigest.slice(0, colon)
  const slash = path.indexOf('/')
  const first = path.slice(0, Math.max(slash, 0))
  const hasRegistry = /[.:]/.test(first) || first === 'localhost'
  return {
    registry: hasRegistry ? first : undefined,
    repository: hasRegistry ? path.slice(slash + 1) : path,
    version: reference.slice(path.length),
  }
}
