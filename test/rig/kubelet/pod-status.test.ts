import type { Pod, PodCondition } from './cluster-objects.ts'
import { type ContainerReport, type ContainerState, podStatus } from './pod-status.ts'

const pod: Pod = { metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1' }, spec: { containers: [] } }
const AT = '2026-01-01T00:00:00Z'
const running: ContainerState = { running: { startedAt: AT } }
const ended = (exitCode: number): ContainerState => ({
  terminated: { exitCode, reason: 'Completed', startedAt: AT, finishedAt: AT },
})
const waiting: ContainerState = { waiting: { reason: 'ContainerCreating' } }

const report = (name: string, state: ContainerState, rest: Partial<ContainerReport> = {}): ContainerReport => ({
  ...{ container: { name, image: 'i' }, state, lastState: undefined, restartCount: 0 },
  ...{ ready: false, started: false, done: false, ...rest },
})

const status = (containers: ContainerReport[], rest: object = {}, before: PodCondition[] = []) =>
  podStatus(
    {
      pod,
      hostIP: '10.244.0.1',
      podIP: '10.244.0.9',
      startTime: AT,
      initContainers: [],
      containers,
      failure: undefined,
      ...rest,
    },
    before,
    '2026-01-02T00:00:00Z',
  ) as { phase: string; conditions: PodCondition[] }

const condition = (of: { conditions: PodCondition[] }, type: string) => of.conditions.find((one) => one.type === type)

describe('podStatus', () => {
  it.each([
    ['Pending', [report('a', waiting)]],
    ['Running', [report('a', running), report('b', waiting)]],
    ['Running', [report('a', waiting, { restartCount: 1 })]],
    ['Running', [report('a', ended(1)), report('b', ended(0), { done: true })]],
    ['Succeeded', [report('a', ended(0), { done: true })]],
    ['Failed', [report('a', ended(0), { done: true }), report('b', ended(2), { done: true })]],
  ])('has the phase %s', (phase, containers) => expect(status(containers).phase).toBe(phase))

  it('is ready when all containers are, and says which are not', () => {
    expect(condition(status([report('a', running, { ready: true })]), 'Ready')?.status).toBe('True')
    const half = status([report('a', running, { ready: true }), report('b', running)])
    expect(condition(half, 'Ready')).toMatchObject({ status: 'False', message: 'containers with unready status: [b]' })
  })

  it('waits for its readiness gates', () => {
    const gated = { ...pod, spec: { ...pod.spec, readinessGates: [{ conditionType: 'x/y' }] } }
    const containers = [report('a', running, { ready: true })]
    expect(condition(status(containers, { pod: gated }), 'Ready')).toMatchObject({ reason: 'ReadinessGatesNotReady' })
    const met = { ...gated, status: { conditions: [{ type: 'x/y', status: 'True' }] } }
    expect(condition(status(containers, { pod: met }), 'Ready')?.status).toBe('True')
  })

  it('keeps the time of a condition that did not change', () => {
    const before = [
      { type: 'Ready', status: 'False', lastTransitionTime: AT },
      { type: 'Initialized', status: 'False', lastTransitionTime: AT },
    ]
    const now = status([report('a', waiting)], {}, before)
    expect(condition(now, 'Ready')?.lastTransitionTime).toBe(AT)
    expect(condition(now, 'Initialized')?.lastTransitionTime).toBe('2026-01-02T00:00:00Z')
  })

  it('fails as a whole with its reason', () => {
    const failed = status([report('a', waiting)], { failure: { reason: 'NotSupported', message: 'm' } })
    expect(failed).toMatchObject({ phase: 'Failed', reason: 'NotSupported', message: 'm' })
    expect(condition(failed, 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' })
  })
})
