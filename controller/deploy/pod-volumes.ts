import type { KubeMap, KubeParameters } from '../api/gateway-parameters.ts'

/** The token for the controller, and the CAs by which it is known: both are read again at each connect. */
export const CONTROLLER_FOLDER = '/var/run/weir/controller'
/** The cached snapshot holds credentials: in memory, and gone with the pod. */
export const CACHE_FOLDER = '/var/run/weir/cache'

const CONTROLLER_VOLUME = 'weir-controller'
const CACHE_VOLUME = 'weir-cache'
/** Whom the ServiceAccount token is for; the controller's TokenReview asks for the same. */
const TOKEN_AUDIENCE = 'weir'
const TOKEN_SECONDS = 3600
const CACHE_BYTES = '64Mi'

/** What weir's container mounts; `taken` are names and paths that the parameters gave in vain because they are weir's. */
export interface PodVolumes {
  readonly volumes: readonly KubeMap[]
  readonly mounts: readonly KubeMap[]
  readonly taken: readonly { readonly field: string; readonly name: string }[]
}

/** @param caConfigMap name of the ConfigMap whose key `ca.crt` has the controller's CAs */
export function podVolumes(caConfigMap: string, { podTemplate, agentgateway }: KubeParameters): PodVolumes {
  const [volumes, mounts] = [ownVolumes(caConfigMap), ownMounts()]
  const extra = split(podTemplate?.extraVolumes ?? [], 'name', volumes)
  const extraMounts = split(agentgateway?.extraVolumeMounts ?? [], 'mountPath', mounts)
  return {
    volumes: [...volumes, ...extra.free],
    mounts: [...mounts, ...extraMounts.free],
    taken: [
      ...extra.taken.map((name) => ({ field: 'podTemplate.extraVolumes', name })),
      ...extraMounts.taken.map((name) => ({ field: 'agentgateway.extraVolumeMounts', name })),
    ],
  }
}

function ownVolumes(caConfigMap: string): readonly KubeMap[] {
  return [
    {
      name: CONTROLLER_VOLUME,
      projected: {
        sources: [
          {
            serviceAccountToken: { audience: TOKEN_AUDIENCE, expirationSeconds: TOKEN_SECONDS, path: 'token' },
          },
          { configMap: { name: caConfigMap, items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        ],
      },
    },
    { name: CACHE_VOLUME, emptyDir: { medium: 'Memory', sizeLimit: CACHE_BYTES } },
  ]
}

function ownMounts(): readonly KubeMap[] {
  return [
    { name: CONTROLLER_VOLUME, mountPath: CONTROLLER_FOLDER, readOnly: true },
    { name: CACHE_VOLUME, mountPath: CACHE_FOLDER },
  ]
}

/** Entries of a list whose key is not one of weir's, and the keys of the others. */
function split(
  given: readonly KubeMap[],
  key: string,
  own: readonly KubeMap[],
): { readonly free: readonly KubeMap[]; readonly taken: readonly string[] } {
  const keys = own.map((one) => one[key])
  return {
    free: given.filter((one) => !keys.includes(one[key])),
    taken: given.filter((one) => keys.includes(one[key])).map((one) => String(one[key])),
  }
}
