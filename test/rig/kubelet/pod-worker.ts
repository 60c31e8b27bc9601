import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ADDRESS_PLAN } from '../network/address-plan.ts'
import { createSandbox, deleteSandbox, type Sandbox } from '../network/pod-network.ts'
import type { Container, Pod } from './cluster-objects.ts'
import { containerIdentity } from './container-identity.ts'
import type { ProcessOptions } from './container-process.ts'
import { type ConfigSource, containerEnvironment, expandVariables } from './environment.ts'
import { findImage, type RigImage } from './images.ts'
import type { NodeContext } from './node-context.ts'
import { CannotStart, type ContainerHost, PodContainer, timestamp } from './pod-container.ts'
import type { PodFacts } from './pod-fields.ts'
import { type ContainerReport, podStatus } from './pod-status.ts'
import { PodVolumes } from './pod-volumes.ts'
import { reviewPod } from './review-pod.ts'
import { mountRootFileSystem, unmountRootFileSystem } from './root-filesystem.ts'
import { ServiceAccountTokens } from './service-account-tokens.ts'

const RETRY_MS = 500
const DEFAULT_GRACE_SECONDS = 30
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Runs one pod, from the moment that it is bound to this node until nothing of it is left. */
export class PodWorker {
  readonly #node: NodeContext
  readonly #folder: string
  readonly #volumes: PodVolumes
  readonly #startTime = timestamp()
  readonly #interfaceName: string
  readonly #stopping = new AbortController()
  #pod: Pod
  #sandbox: Sandbox | undefined
  #podIP: string | undefined
  #initContainers: PodContainer[] = []
  #containers: PodContainer[] = []
  #failure: { reason: string; message: string } | undefined
  #wakeVolumes: () => void = () => {}
  #statusDue = false
  #statusWriting: Promise<void> | undefined

  /** @param number unique among the pods of the node's life */
  constructor(pod: Pod, node: NodeContext, number: number) {
    this.#pod = pod
    this.#node = node
    this.#folder = join(node.folder, 'pods', pod.metadata.uid)
    this.#volumes = new PodVolumes(pod, join(this.#folder, 'volumes'), new ServiceAccountTokens(node.api, pod))
    this.#interfaceName = `pod${number}`
  }

  /** `namespace/name` of its pod. */
  get key(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`
  }

  get sandbox(): Sandbox | undefined {
    return this.#sandbox
  }

  /** A container by name; init containers too. */
  container(name: string): PodContainer | undefined {
    return [...this.#containers, ...this.#initContainers].find((one) => one.container.name === name)
  }

  /** The pod's object has changed. */
  update(pod: Pod): void {
    this.#pod = pod
    this.#wakeVolumes()
    if (pod.metadata.deletionTimestamp !== undefined) this.stop(pod.metadata.deletionGracePeriodSeconds)
    else if ((pod.spec.readinessGates ?? []).length > 0) this.#changed()
  }

  /** An object that the pod may mount has changed. */
  configChanged(namespace: string): void {
    if (namespace === this.#pod.metadata.namespace) this.#wakeVolumes()
  }

  /** Ends the containers, each within the grace period; {@link run} does the rest. */
  stop(graceSeconds = this.#graceSeconds): void {
    this.#stopping.abort()
    this.#wakeVolumes()
    for (const container of [...this.#initContainers, ...this.#containers]) container.stop(graceSeconds)
  }

  /**
   * The pod's whole life. Resolves when it is over and everything on this node is cleared away.
   * @param gone whether the pod's object is to be deleted at the end; it is not when only the node stops
   */
  async run(gone: () => boolean): Promise<void> {
    const { signal } = this.#stopping
    await this.#start(signal)
    // A pod that has ended stays until it is deleted.
    if (!signal.aborted)
      await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }))
    this.#changed()
    await this.#statusWriting
    await this.#clearAway()
    if (gone()) await this.#deleteObject()
  }

  get #graceSeconds(): number {
    return this.#pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { refused, withoutEffect } = reviewPod(this.#pod)
    if (withoutEffect.length > 0) {
      this.#event('Normal', 'NotEnforced', `taken without effect on this rig: ${withoutEffect.join(', ')}`)
    }
    if (refused.length > 0) {
      const message = `this rig cannot apply ${refused.join(', ')}`
      this.#event('Warning', 'NotSupported', message)
      this.#failure = { reason: 'NotSupported', message }
      this.#changed()
      return
    }
    try {
      await this.#makeSandbox()
      await this.#volumes.create()
    } catch (error) {
      const { message } = error as Error
      this.#event('Warning', 'FailedCreatePodSandBox', message)
      this.#failure = { reason: 'FailedCreatePodSandBox', message }
      this.#changed()
      return
    }
    this.#initContainers = (this.#pod.spec.initContainers ?? []).map(
      (one) => new PodContainer(one, this.#host(one, true)),
    )
    this.#containers = this.#pod.spec.containers.map((one) => new PodContainer(one, this.#host(one, false)))
    this.#changed()
    await this.#fillVolumes(signal)
    for (const container of this.#initContainers) {
      if (signal.aborted) return
      await container.run()
      const { state } = container.report
      if (!('terminated' in state) || state.terminated.exitCode !== 0) {
        if (!signal.aborted)
          this.#failure = { reason: 'Init:Error', message: `init container ${container.container.name} failed` }
        this.#changed()
        return
      }
    }
    if (!signal.aborted) await Promise.all(this.#containers.map((container) => container.run()))
  }

  async #makeSandbox(): Promise<void> {
    const { metadata, spec } = this.#pod
    const address = this.#node.addresses.take(metadata.uid)
    this.#sandbox = await createSandbox({
      folder: join(this.#folder, 'sandbox'),
      hostname: spec.hostname ?? metadata.name.slice(0, 63),
      address,
      interfaceName: this.#interfaceName,
      sysctls: spec.securityContext?.sysctls ?? [],
    })
    this.#podIP = address
  }

  /** Resolves when every object and token that the volumes need is there, or the pod ends; then goes on in the background. */
  #fillVolumes(signal: AbortSignal): Promise<void> {
    return new Promise((filled) => {
      void this.#followVolumes(signal, filled)
    })
  }

  /** Writes the volumes whenever what they are made of changes. What goes missing later stays as it was. */
  async #followVolumes(signal: AbortSignal, filled: () => void): Promise<void> {
    while (!signal.aborted) {
      let againMs = RETRY_MS
      let wake = (): void => {}
      const woken = new Promise<void>((resolve) => {
        wake = resolve
      })
      this.#wakeVolumes = wake
      try {
        againMs = await this.#volumes.refresh({ config: this.#config, facts: this.#facts })
        filled()
      } catch (error) {
        this.#event('Warning', 'FailedMount', (error as Error).message)
      }
      if (signal.aborted) break
      const timer = setTimeout(wake, againMs)
      await woken
      clearTimeout(timer)
    }
    filled()
  }

  #host(container: Container, isInit: boolean): ContainerHost {
    const policy = this.#pod.spec.restartPolicy ?? 'Always'
    return {
      podIP: this.#podIP as string,
      backoff: this.#node.backoff,
      graceSeconds: this.#graceSeconds,
      restarts: (exitCode) =>
        isInit
          ? exitCode !== 0 && policy !== 'Never'
          : policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0),
      prepare: () => this.#prepare(container),
      cleanUp: () => unmountRootFileSystem(this.#rootOf(container)),
      logFile: () => this.#logFile(container),
      event: (type, reason, message) => this.#event(type, reason, message),
      changed: () => this.#changed(),
    }
  }

  async #prepare(container: Container): Promise<Omit<ProcessOptions, 'log'>> {
    const image = findImage(this.#node.images, container.image)
    if (image === undefined) throw new CannotStart('ErrImagePull', `the rig has no image ${container.image}`)
    const identity = asConfigError(() => containerIdentity(this.#pod, container, image.user ?? 0))
    const env = asConfigError(() => this.#environment(container, image))
    const expand = (words: readonly string[]): string[] => words.map((word) => expandVariables(word, env))
    const argv = container.command
      ? expand([...container.command, ...(container.args ?? [])])
      : [...image.entrypoint, ...(container.args ? expand(container.args) : (image.args ?? []))]
    if (argv.length === 0) throw new CannotStart('CreateContainerConfigError', 'there is no command')
    const root = this.#rootOf(container)
    const { metadata, spec } = this.#pod
    await unmountRootFileSystem(root)
    await mkdir(join(this.#node.folder, 'logs'), { recursive: true })
    await mountRootFileSystem({
      root,
      image,
      mounts: this.#volumes.mountsOf(container),
      readOnly: container.securityContext?.readOnlyRootFilesystem === true,
      hostname: spec.hostname ?? metadata.name,
      namespace: metadata.namespace,
      podIP: this.#podIP as string,
      hostAliases: spec.hostAliases ?? [],
      user: identity.user,
      group: identity.group,
      trustedCertificates: this.#node.trustedCertificates,
    })
    const workingDir = container.workingDir ?? image.workingDir ?? '/'
    return { sandbox: this.#sandbox as Sandbox, root, identity, workingDir, argv, env }
  }

  #environment(container: Container, image: RigImage): Record<string, string> {
    const { metadata, spec } = this.#pod
    const base = { PATH, HOSTNAME: spec.hostname ?? metadata.name, HOME: '/tmp', ...image.env }
    return containerEnvironment(container, this.#facts, this.#config, base)
  }

  get #facts(): PodFacts {
    const { nodeName, capacity } = this.#node
    return { pod: this.#pod, podIP: this.#podIP ?? '', hostIP: ADDRESS_PLAN.node, nodeName, capacity }
  }

  get #config(): ConfigSource {
    const { namespace } = this.#pod.metadata
    const links = this.#pod.spec.enableServiceLinks !== false
    const services = [...this.#node.services.values()].filter(
      ({ metadata }) =>
        (metadata.namespace === 'default' && metadata.name === 'kubernetes') ||
        (links && metadata.namespace === namespace),
    )
    return {
      configMap: (name) => this.#node.configMaps.get(`${namespace}/${name}`),
      secret: (name) => this.#node.secrets.get(`${namespace}/${name}`),
      services: () => services,
    }
  }

  #rootOf({ name }: Container): string {
    return join(this.#folder, 'containers', name)
  }

  #logFile({ name }: Container): string {
    const { namespace, name: pod } = this.#pod.metadata
    return join(this.#node.folder, 'logs', `${namespace}_${pod}_${name}.log`)
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#node.events.record(this.#pod, type, reason, message)
  }

  #changed(): void {
    this.#statusDue = true
    this.#statusWriting ??= this.#writeStatus().finally(() => {
      this.#statusWriting = undefined
    })
  }

  /** Writes until what is written is what is; while the API server is away it is tried again. */
  async #writeStatus(): Promise<void> {
    while (this.#statusDue) {
      this.#statusDue = false
      const { metadata } = this.#pod
      const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/status`
      const body = { metadata: { uid: metadata.uid }, status: this.#status() }
      const answer = await this.#node.api
        .request('PATCH', path, { body, contentType: 'application/strategic-merge-patch+json' })
        .catch(() => undefined)
      // 404 and 409: the pod is gone, or another one has its name.
      if (answer !== undefined && [200, 404, 409].includes(answer.status)) continue
      this.#statusDue = true
      await wait(RETRY_MS)
    }
  }

  #status(): Record<string, unknown> {
    const { namespace, name } = this.#pod.metadata
    const current = this.#node.pods.get(`${namespace}/${name}`) ?? this.#pod
    const waiting = (container: Container): ContainerReport => ({
      container,
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: undefined,
      restartCount: 0,
      ready: false,
      started: false,
      done: false,
    })
    const reports = (running: readonly PodContainer[], declared: readonly Container[]): ContainerReport[] =>
      declared.map((one, index) => running[index]?.report ?? waiting(one))
    return podStatus(
      {
        pod: current,
        hostIP: ADDRESS_PLAN.node,
        podIP: this.#podIP,
        startTime: this.#startTime,
        initContainers: reports(this.#initContainers, this.#pod.spec.initContainers ?? []),
        containers: reports(this.#containers, this.#pod.spec.containers),
        failure: this.#failure,
      },
      current.status?.conditions ?? [],
      timestamp(),
    )
  }

  async #clearAway(): Promise<void> {
    const { metadata } = this.#pod
    for (const { container } of [...this.#initContainers, ...this.#containers]) {
      await unmountRootFileSystem(this.#rootOf(container))
    }
    await this.#volumes.release()
    if (this.#sandbox !== undefined) await deleteSandbox(this.#sandbox, this.#interfaceName)
    this.#sandbox = undefined
    await rm(this.#folder, { recursive: true, force: true })
    this.#node.addresses.release(metadata.uid)
    this.#node.events.forget(this.#pod)
  }

  /** Tells the API server that nothing is left of the pod, which is what its deletion waits for. */
  async #deleteObject(): Promise<void> {
    const { namespace, name, uid } = this.#pod.metadata
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid } }
    for (;;) {
      const answer = await this.#node.api
        .request('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, { body })
        .catch(() => undefined)
      if (answer !== undefined && [200, 202, 404, 409].includes(answer.status)) return
      await wait(RETRY_MS)
    }
  }
}

/** What a container asks for and cannot have: it waits with that reason, as under a real kubelet. */
function asConfigError<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new CannotStart('CreateContainerConfigError', (error as Error).message)
  }
}
