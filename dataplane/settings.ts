import type { ConnectTo } from '../runtime/connect-to.ts'

/** What the command line and the environment decide about a data plane; it stays while the process runs. */
export interface DataPlaneSettings {
  readonly version: string
  readonly bindHost: string
  /** Port in the manifest → port that is listened on. */
  readonly portMap: ReadonlyMap<number, number>
  readonly connectTo: readonly ConnectTo[]
  /** Processes that share what the configuration limits per pod; one when absent. */
  readonly workers?: number
  /** Bytes of request bodies that this process may hold at once. */
  readonly collectBytes: number
  /** How long requests in flight may go on when a port or the process ends. */
  readonly drainMs: number
  /** Form of the access log where the configuration names none. */
  readonly accessLog: { readonly enabled: boolean; readonly format: 'text' | 'json' }
  /** The process's environment: exporter variables, pod name and such. */
  readonly env: Readonly<Record<string, string | undefined>>
}
