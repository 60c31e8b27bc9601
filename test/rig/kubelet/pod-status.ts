import type { Container, Pod, PodCondition } from './cluster-objects.ts'

/** What a container does now; times are RFC 3339. */
export type ContainerState =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | { readonly terminated: Terminated }

export interface Terminated {
  readonly exitCode: number
  readonly reason: string
  readonly startedAt: string
  readonly finishedAt: string
}

/** A container as its pod's status shows it. */
export interface ContainerReport {
  readonly container: Container
  readonly state: ContainerState
  readonly lastState: ContainerState | undefined
  readonly restartCount: number
  readonly ready: boolean
  readonly started: boolean
  /** It has ended and will not be started again. */
  readonly done: boolean
}

/** What a pod's status is made of. */
export interface PodReport {
  readonly pod: Pod
  readonly hostIP: string
  /** Undefined until the sandbox is made. */
  readonly podIP: string | undefined
  readonly startTime: string
  readonly initContainers: readonly ContainerReport[]
  readonly containers: readonly ContainerReport[]
  /** Why the pod as a whole may not run; it is failed then. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined
}

/**
 * A pod's status (core/v1, PodStatus).
 * @param before the conditions that it has: a condition whose status stays keeps its transition time
 */
export function podStatus(report: PodReport, before: readonly PodCondition[], now: string): Record<string, unknown> {
  const { hostIP, podIP, startTime, failure } = report
  const phase = phaseOf(report)
  return {
    phase,
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP === undefined ? {} : { podIP, podIPs: [{ ip: podIP }] }),
    startTime,
    ...(failure ?? {}),
    conditions: conditions(report, phase).map((condition) => {
      const same = before.find((one) => one.type === condition.type && one.status === condition.status)
      return { ...condition, lastTransitionTime: same?.lastTransitionTime ?? now }
    }),
    initContainerStatuses: report.initContainers.map(containerStatus),
    containerStatuses: report.containers.map(containerStatus),
  }
}

function phaseOf({ containers, failure }: PodReport): string {
  if (failure !== undefined) return 'Failed'
  if (containers.every(({ done }) => done)) return containers.every(succeeded) ? 'Succeeded' : 'Failed'
  const begun = containers.some(({ state, restartCount }) => !('waiting' in state) || restartCount > 0)
  return begun ? 'Running' : 'Pending'
}

function conditions(report: PodReport, phase: string): PodCondition[] {
  const { pod, podIP, containers, initContainers } = report
  const over = phase === 'Succeeded' || phase === 'Failed'
  const condition = (type: string, holds: boolean, reason: string, message = ''): PodCondition =>
    holds ? { type, status: 'True' } : { type, status: 'False', reason, ...(message === '' ? {} : { message }) }
  const unready = containers.filter(({ ready }) => !ready).map(({ container }) => container.name)
  const notReady = over ? 'PodCompleted' : 'ContainersNotReady'
  const message = over ? '' : `containers with unready status: [${unready.join(' ')}]`
  const gates = (pod.spec.readinessGates ?? []).filter(
    ({ conditionType }) => !pod.status?.conditions?.some((one) => one.type === conditionType && one.status === 'True'),
  )
  const initialized = initContainers.every((one) => one.done && succeeded(one))
  const containersReady = unready.length === 0 && !over
  return [
    condition('PodReadyToStartContainers', podIP !== undefined && !over, 'NoSandbox'),
    condition('Initialized', initialized, 'ContainersNotInitialized'),
    condition('ContainersReady', containersReady, notReady, message),
    containersReady && gates.length > 0
      ? condition('Ready', false, 'ReadinessGatesNotReady', `gates: ${gates.map((one) => one.conditionType).join(' ')}`)
      : condition('Ready', containersReady, notReady, message),
  ]
}

function containerStatus(report: ContainerReport): Record<string, unknown> {
  const { container, state, lastState, restartCount, ready, started } = report
  return {
    name: container.name,
    image: container.image,
    imageID: container.image,
    state,
    lastState: lastState ?? {},
    restartCount,
    ready,
    started,
  }
}

function succeeded({ state }: ContainerReport): boolean {
  return 'terminated' in state && state.terminated.exitCode === 0
}
