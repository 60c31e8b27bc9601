import { CONTROLLER_NAME } from '../../../contract/names.ts'
import type { Condition } from '../../api/verdict.ts'
import { mergeStatus } from './merged-status.ts'

const BEFORE = '2026-01-01T00:00:00Z'
const NOW = '2026-02-02T00:00:00Z'

const condition = (type: string, status: Condition['status'] = 'True', more: Partial<Condition> = {}): Condition => ({
  type,
  status,
  reason: type,
  message: '',
  observedGeneration: 1,
  ...more,
})
const at = (one: Condition, lastTransitionTime: string): object => ({ ...one, lastTransitionTime })

describe('mergeStatus of what is weir’s alone', () => {
  const merge = (wanted: unknown, current: unknown) => mergeStatus(wanted, current, 'ns', NOW)
  const accepted = condition('Accepted')

  it('has times from when it was written, and keeps them while the status stays', () => {
    const wanted = { conditions: [accepted, condition('Programmed', 'False')] }
    expect(merge(wanted, undefined)).toMatchObject({
      kind: 'apply',
      status: { conditions: [at(accepted, NOW), at(condition('Programmed', 'False'), NOW)] },
    })
    const current = {
      conditions: [at(condition('Accepted', 'True', { message: 'old' }), BEFORE), at(condition('Programmed'), BEFORE)],
    }
    expect(merge(wanted, current)).toEqual({
      kind: 'apply',
      status: { conditions: [at(accepted, BEFORE), at(condition('Programmed', 'False'), NOW)] },
      changes: [{ part: undefined, before: current.conditions[1], after: condition('Programmed', 'False') }],
    })
  })

  it.each([
    [
      'the same in another order, beside what others wrote',
      [condition('Foreign'), condition('B.example/X'), accepted],
      'same',
    ],
    ['another message', [condition('Accepted', 'True', { message: 'x' })], 'apply'],
    ['another reason', [condition('Accepted', 'True', { reason: 'x' })], 'apply'],
    ['an older generation', [condition('Accepted', 'True', { observedGeneration: 0 })], 'apply'],
    ['a newer generation', [condition('Accepted', 'True', { observedGeneration: 2 })], 'outdated'],
    ['one of weir’s that is over', [accepted, condition('weir.dev/Telemetry')], 'apply'],
    ['one of Gateway API’s that is over', [accepted, condition('PartiallyInvalid')], 'apply'],
  ])('compares with %s', (_, current, kind) => {
    const conditions = current.map((one) => at(one, BEFORE))
    expect(merge({ conditions: [accepted] }, { conditions, addresses: [] }).kind).toBe(kind)
  })

  it('compares listeners by name', () => {
    const listener = (name: string, attachedRoutes = 0, conditions = [accepted]): object => ({
      name,
      attachedRoutes,
      supportedKinds: [],
      conditions,
    })
    const stored = (name: string, attachedRoutes = 0): object => ({
      ...listener(name, attachedRoutes),
      conditions: [at(accepted, BEFORE)],
    })
    const wanted = { conditions: [], listeners: [listener('a'), listener('b')] }
    expect(merge(wanted, { conditions: [], listeners: [stored('b'), stored('a')] }).kind).toBe('same')
    expect(merge(wanted, { listeners: [stored('a'), stored('b'), stored('gone')] }).kind).toBe('apply')
    expect(merge(wanted, { listeners: [stored('a', 7), stored('b')] })).toMatchObject({
      kind: 'apply',
      status: { listeners: [stored('a'), stored('b')] },
      changes: [],
    })
    expect(merge(wanted, { listeners: [stored('a')] })).toMatchObject({
      status: { listeners: [stored('a'), { ...stored('b'), conditions: [at(accepted, NOW)] }] },
      changes: [{ part: 'b', before: undefined, after: accepted }],
    })
  })
})

describe('mergeStatus of lists that are shared', () => {
  const ref = (name: string, more: object = {}): object => ({
    group: 'gateway.networking.k8s.io',
    kind: 'Gateway',
    namespace: 'ns',
    name,
    ...more,
  })
  const own = (name: string, ...conditions: readonly object[]): object => ({
    parentRef: ref(name),
    controllerName: CONTROLLER_NAME,
    conditions,
  })
  const foreign = (name: string): object => ({
    parentRef: ref(name),
    controllerName: 'example.com/other',
    conditions: [{ type: 'Accepted', odd: true }],
    unknown: { field: 1 },
  })
  const accepted = condition('Accepted')
  const merge = (wanted: readonly object[], parents: readonly object[] | undefined) =>
    mergeStatus({ parents: wanted }, { parents }, 'ns', NOW)

  it('keeps the entries of others as they are and everything in its place', () => {
    const wanted = [own('a', accepted), own('c', accepted)]
    const current = [foreign('a'), own('gone', at(accepted, BEFORE)), own('a', at(accepted, BEFORE)), foreign('z')]
    expect(merge(wanted, current)).toEqual({
      kind: 'patch',
      status: { parents: [foreign('a'), own('a', at(accepted, BEFORE)), foreign('z'), own('c', at(accepted, NOW))] },
      changes: [{ part: 'Gateway ns/c', before: undefined, after: accepted }],
      leftOut: 0,
    })
  })

  it.each([
    ['nothing wanted, nothing there', [], undefined, 'same'],
    ['nothing wanted, only others there', [], [foreign('a')], 'same'],
    ['nothing wanted any more', [], [own('a', at(accepted, BEFORE)), foreign('a')], 'patch'],
    [
      'the same, with defaults filled in',
      [{ ...own('a', accepted), parentRef: { name: 'a' } }],
      [own('a', at(accepted, BEFORE))],
      'same',
    ],
    [
      'another listener of the Gateway',
      [{ ...own('a', accepted), parentRef: ref('a', { sectionName: 's' }) }],
      [own('a', at(accepted, BEFORE))],
      'patch',
    ],
    [
      'another port of the Gateway',
      [{ ...own('a', accepted), parentRef: ref('a', { port: 80 }) }],
      [own('a', at(accepted, BEFORE))],
      'patch',
    ],
    [
      'a newer generation',
      [own('a', accepted)],
      [own('a', at({ ...accepted, observedGeneration: 2 }, BEFORE))],
      'outdated',
    ],
  ])('finds %s', (_, wanted, current, kind) => {
    expect(merge(wanted, current).kind).toBe(kind)
  })

  it('keeps within the limit without harm to others', () => {
    const others = Array.from({ length: 31 }, (_, index) => foreign(`o${index}`))
    const merged = merge([own('a', accepted), own('b', accepted)], others)
    expect(merged).toMatchObject({ kind: 'patch', leftOut: 1 })
    expect((merged as { status: { parents: object[] } }).status.parents.slice(0, 31)).toEqual(others)
    const ancestors = Array.from({ length: 17 }, (_, index) => ({
      ancestorRef: ref(`g${index}`),
      controllerName: CONTROLLER_NAME,
      conditions: [accepted],
    }))
    expect(mergeStatus({ ancestors }, undefined, 'ns', NOW)).toMatchObject({ kind: 'patch', leftOut: 1 })
  })
})
