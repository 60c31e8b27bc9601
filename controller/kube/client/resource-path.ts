/** A kind as the API server's paths name it. */
export interface ResourceType {
  /** `v1`, or `group/version`. */
  readonly apiVersion: string
  readonly plural: string
  readonly namespaced: boolean
}

/** Which object, or whose collection: without `name` all of the namespace, without both all there are. */
export interface ResourceName {
  readonly namespace?: string | undefined
  readonly name?: string
  /** `status`, for instance. */
  readonly subresource?: string
}

/** The API server's path of a collection, an object or a subresource. */
export function resourcePath(type: ResourceType, { namespace = '', name, subresource }: ResourceName = {}): string {
  const { apiVersion, plural, namespaced } = type
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope = namespaced && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`
  return `${root}${scope}/${plural}${object}${subresource === undefined ? '' : `/${subresource}`}`
}
