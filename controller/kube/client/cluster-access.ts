import { readFile } from 'node:fs/promises'
import type { Agent } from 'node:http'
import { isIPv6 } from 'node:net'
import { delimiter } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { nowMs } from '../../../runtime/clock.ts'

/** What a request needs to be let in. */
export interface Credentials {
  readonly headers: { readonly [name: string]: string }
  readonly tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>
  /** Connections are made by this one, where the way leads through a proxy. */
  readonly agent?: Agent
}

/** Where the API server is, and as whom one speaks to it. */
export interface ClusterAccess {
  readonly server: URL
  /** @param fresh those of before were refused: read files anew, ask helpers anew */
  credentials(fresh: boolean): Promise<Credentials>
}

/** Where a pod finds its ServiceAccount's token and the cluster's CA. */
const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The token file is replaced while the pod runs (projected tokens live about an hour). */
const REREAD_MS = 10_000

/**
 * The access of this process: of the kubeconfig that `KUBECONFIG` names, else of the pod's ServiceAccount, else of
 * `~/.kube/config`.
 */
export function clusterAccess(env: NodeJS.ProcessEnv): Promise<ClusterAccess> {
  const { KUBECONFIG = '', KUBERNETES_SERVICE_HOST } = env
  if (KUBECONFIG === '' && KUBERNETES_SERVICE_HOST !== undefined) return inClusterAccess(env)
  return kubeConfigAccess(KUBECONFIG === '' ? undefined : KUBECONFIG)
}

/** The access of a pod: server from the environment, token and CA from files that are read again as they change. */
export async function inClusterAccess(
  env: NodeJS.ProcessEnv,
  folder: string = SERVICE_ACCOUNT_FOLDER,
): Promise<ClusterAccess> {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env
  if (host === '') throw new Error('KUBERNETES_SERVICE_HOST is not set: this is no pod')
  const read = async (): Promise<Credentials> => {
    const [token, ca] = await Promise.all([readFile(`${folder}/token`, 'utf8'), readFile(`${folder}/ca.crt`)])
    return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } }
  }
  let current = await read()
  let readAtMs = nowMs()
  return {
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    credentials: async (fresh) => {
      if (fresh || nowMs() - readAtMs > REREAD_MS) {
        current = await read()
        readAtMs = nowMs()
      }
      return current
    },
  }
}

/**
 * The access of a kubeconfig's current context, with all that such a file may say of who one is: tokens, certificates,
 * helper programs, OpenID Connect. The library that knows them is loaded only here: it takes 90 MB, which a pod that
 * has its ServiceAccount does not need.
 * @param files paths, separated as in `KUBECONFIG`; undefined: where kubectl would look
 */
export async function kubeConfigAccess(files: string | undefined): Promise<ClusterAccess> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const load = (): InstanceType<typeof KubeConfig> => {
    const config = new KubeConfig()
    const [first, ...others] = (files ?? '').split(delimiter).filter(Boolean)
    if (first === undefined) config.loadFromDefault()
    else config.loadFromFile(first)
    for (const file of others) {
      const other = new KubeConfig()
      other.loadFromFile(file)
      config.mergeConfig(other, true)
    }
    return config
  }
  let config = load()
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new Error(`the kubeconfig ${files ?? ''} has no current context with a cluster`)
  return {
    server: new URL(cluster.server),
    credentials: async (fresh) => {
      if (fresh) config = load()
      const options: Parameters<typeof config.applyToHTTPSOptions>[0] = {}
      await config.applyToHTTPSOptions(options)
      const { ca, cert, key, servername, rejectUnauthorized, auth, agent } = options as Credentials['tls'] & {
        readonly auth?: string
        readonly agent?: Agent
      }
      const basic = auth === undefined ? {} : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }
      return {
        headers: { ...basic, ...(options.headers as Credentials['headers'] | undefined) },
        tls: defined({ ca, cert, key, servername, rejectUnauthorized }),
        // Its own agents keep no connection; one is of use only where it leads through a proxy.
        ...(cluster.proxyUrl === undefined || agent === undefined ? {} : { agent }),
      }
    },
  }
}

function defined<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
