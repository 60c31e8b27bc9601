import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join, resolve } from 'node:path'
import { ApiClient } from './api-client.ts'
import { type CommandOptions, runCommand } from './command-line.ts'
import {
  apiServerCommand,
  auditFile,
  type ControlPlaneShape,
  controllerManagerCommand,
  etcdCommand,
  schedulerCommand,
} from './control-plane-commands.ts'
import { type ControlPlaneKeys, makeControlPlaneKeys } from './control-plane-keys.ts'
import { type ClusterAddress, writeKubeconfig } from './kubeconfig.ts'
import { partFolder } from './part-folder.ts'
import { type RigProcess, startRigProcess } from './rig-process.ts'

export interface ControlPlaneOptions {
  /** Keys, data, kubeconfigs, logs: made when missing, and left for the caller to delete. */
  readonly folder: string
  /** What the API server listens on and tells the cluster; loopback when not given. */
  readonly address?: string
  /** The API server's port; a free one when not given. */
  readonly port?: number
  /** Runs kube-scheduler too. */
  readonly scheduler?: boolean
}

/** A line of the API server's audit log (audit.k8s.io/v1), as far as suites read it. */
export interface AuditEvent {
  readonly verb: string
  readonly user: { readonly username: string }
  readonly objectRef?: {
    readonly resource?: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code?: number }
  readonly requestURI: string
}

/** etcd, kube-apiserver and kube-controller-manager, of one suite. */
export interface ControlPlane extends ClusterAddress {
  readonly folder: string
  readonly keys: ControlPlaneKeys
  /** Of a cluster administrator; stands alone. */
  readonly kubeconfig: string
  /** As a cluster administrator. */
  readonly api: ApiClient
  /** In the order of their start. */
  processIds(): readonly number[]
  /** For fault tests: killed, and started again with the same address and data. */
  readonly apiServer: { kill(): Promise<void>; start(): Promise<void> }
  /** A kubeconfig with a token of the ServiceAccount (TokenRequest), good for a day. @returns its file */
  kubeconfigFor(serviceAccount: { readonly namespace: string; readonly name: string }): Promise<string>
  /** @returns what it printed. @throws CommandError */
  kubectl(args: readonly string[], options?: ClientOptions): Promise<string>
  /** Helm 3, its own folders inside this one. @returns what it printed. @throws CommandError */
  helm(args: readonly string[], options?: ClientOptions): Promise<string>
  /** Everything that was asked so far; an answered request is in it. */
  auditEvents(): readonly AuditEvent[]
  /** Ends the programs in reverse order. */
  stop(): Promise<void>
}

export interface ClientOptions extends CommandOptions {
  /** Instead of the administrator's. */
  readonly kubeconfig?: string
}

const READY_WITHIN_MS = 60_000
const ASK_EVERY_MS = 50

/** Nobody listens, or a connection that was kept open has ended. */
const NO_SERVER = ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET']

/** Starts a control plane and waits until it answers and its controllers work. @throws with the end of the log of what failed */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const programs = new Programs(options, await freePorts(2))
  try {
    await programs.run()
  } catch (error) {
    await programs.stop()
    throw error
  }
  return programs.controlPlane()
}

class Programs {
  readonly #shape: ControlPlaneShape
  readonly #address: ClusterAddress
  readonly #api: ApiClient
  readonly #withScheduler: boolean
  readonly #processes = new Map<string, RigProcess>()

  constructor(
    { folder, address = '127.0.0.1', port, scheduler = false }: ControlPlaneOptions,
    free: readonly number[],
  ) {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o700)
    const keys = makeControlPlaneKeys(join(folder, 'keys'), address)
    const [etcd, apiServer] = free as readonly [number, number]
    this.#shape = { folder: resolve(folder), keys, address, ports: { etcd, apiServer: port ?? apiServer } }
    this.#address = { url: `https://${address}:${this.#shape.ports.apiServer}`, authority: keys.authority.certificate }
    this.#api = new ApiClient(this.#address, keys.admin)
    this.#withScheduler = scheduler
  }

  async run(): Promise<void> {
    const { controllerManager, scheduler } = this.#shape.keys
    this.#start('etcd', etcdCommand(this.#shape))
    await this.#startApiServer()
    const kubeconfig = writeKubeconfig(this.#file('controller-manager.kubeconfig'), this.#address, controllerManager)
    this.#start('kube-controller-manager', controllerManagerCommand(this.#shape, kubeconfig))
    if (this.#withScheduler) {
      const own = writeKubeconfig(this.#file('scheduler.kubeconfig'), this.#address, scheduler)
      this.#start('kube-scheduler', schedulerCommand(own))
    }
    await this.#until('/api/v1/namespaces/default/serviceaccounts/default', 'the first ServiceAccount')
  }

  controlPlane(): ControlPlane {
    const { folder, keys } = this.#shape
    const kubeconfig = writeKubeconfig(this.#file('admin.kubeconfig'), this.#address, keys.admin)
    const kubectl = (args: readonly string[], options: ClientOptions = {}): Promise<string> =>
      this.#runClient(join(partFolder('kube'), 'kubectl'), args, { kubeconfig, ...options })
    return {
      ...this.#address,
      folder,
      keys,
      kubeconfig,
      api: this.#api,
      processIds: () => [...this.#processes.values()].map(({ pid }) => pid),
      apiServer: { kill: () => this.#process('kube-apiserver').kill(), start: () => this.#startApiServer() },
      kubectl,
      helm: (args, options = {}) => this.#runClient(join(partFolder('helm'), 'helm'), args, { kubeconfig, ...options }),
      kubeconfigFor: async ({ namespace, name }) => {
        const token = await kubectl(['create', 'token', name, '-n', namespace, '--duration=24h'])
        return writeKubeconfig(this.#file(`${namespace}.${name}.kubeconfig`), this.#address, { token: token.trim() })
      },
      auditEvents: () =>
        // What follows the last end of line is a line that is being written.
        readFileSync(auditFile(folder), 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as AuditEvent),
      stop: () => this.stop(),
    }
  }

  async stop(): Promise<void> {
    await this.#api.close()
    for (const one of [...this.#processes.values()].reverse()) await one.stop()
  }

  #start(name: string, command: readonly [string, ...string[]]): void {
    this.#processes.set(name, startRigProcess({ name, folder: this.#shape.folder, command }))
  }

  async #startApiServer(): Promise<void> {
    this.#start('kube-apiserver', apiServerCommand(this.#shape))
    await this.#until('/readyz', 'the API server')
  }

  #process(name: string): RigProcess {
    return this.#processes.get(name) as RigProcess
  }

  /** Waits until the API server answers the path with 200, as long as all programs run. */
  async #until(path: string, what: string): Promise<void> {
    const deadlineMs = performance.now() + READY_WITHIN_MS
    while (!(await this.#answers(path))) {
      const ended = [...this.#processes.values()].find((one) => !one.running)
      if (ended !== undefined) throw new Error(`${ended.name} ended:\n${ended.logTail()}`)
      if (performance.now() > deadlineMs) throw new Error(`waited for ${what} in vain; logs: ${this.#shape.folder}`)
      await new Promise((done) => setTimeout(done, ASK_EVERY_MS))
    }
  }

  async #answers(path: string): Promise<boolean> {
    try {
      return (await this.#api.request('GET', path)).status === 200
    } catch (error) {
      if (NO_SERVER.includes((error as NodeJS.ErrnoException).code ?? '')) return false
      throw error
    }
  }

  async #runClient(program: string, args: readonly string[], { kubeconfig, env, ...options }: ClientOptions) {
    const helm = this.#file('helm')
    const own = {
      KUBECONFIG: kubeconfig as string,
      KUBECACHEDIR: this.#file('kubectl-cache'),
      HELM_CACHE_HOME: join(helm, 'cache'),
      HELM_CONFIG_HOME: join(helm, 'config'),
      HELM_DATA_HOME: join(helm, 'data'),
    }
    return (await runCommand(program, args, { ...options, env: { ...own, ...env } })).stdout
  }

  #file(name: string): string {
    return join(this.#shape.folder, name)
  }
}

/** Ports of loopback that are free now, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  for (let left = count; left > 0; left--) {
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    servers.push(server)
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  for (const server of servers) await new Promise((done) => server.close(done))
  return ports
}
