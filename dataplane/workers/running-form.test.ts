import { versionOf } from '../../contract/digest.ts'
import type { Resource, Snapshot } from '../../contract/snapshot.ts'
import { backendOf, listenerOf, routeOf } from '../../test/support/gateway-rig.ts'
import { runningForm } from './running-form.ts'

const snapshot = (resources: Resource[], hold: string[] = []): Snapshot => ({
  gateway: 'ns/gw',
  version: versionOf(resources, hold),
  resources,
  hold,
})
const refusal = (key: string) => ({ key, path: '', message: 'no' })
const digests = ({ resources }: Snapshot): Record<string, string> =>
  Object.fromEntries(resources.map(({ key, digest }) => [key, digest]))

describe('runningForm', () => {
  const first = snapshot([listenerOf({ digest: 'l1' }), routeOf({ digest: 'r1' }), backendOf({ digest: 'b1' })])

  it('is the snapshot where nothing is refused or held', () => {
    expect(runningForm(first, [], undefined)).toEqual(first)
  })

  it('keeps the last good form of what is refused, over more than one refusal', () => {
    const second = snapshot([listenerOf({ digest: 'l1' }), routeOf({ digest: 'r1' }), backendOf({ digest: 'b2' })])
    const third = snapshot([listenerOf({ digest: 'l1' }), routeOf({ digest: 'r1' }), backendOf({ digest: 'b3' })])
    const running = runningForm(second, [refusal('backend/b')], first)
    expect(digests(running)).toMatchObject({ 'backend/b': 'b1' })
    expect(digests(runningForm(third, [refusal('backend/b')], running))).toMatchObject({ 'backend/b': 'b1' })
    expect(digests(runningForm(third, [], running))).toMatchObject({ 'backend/b': 'b3' })
  })

  it('leaves out what was refused and never was good', () => {
    expect(digests(runningForm(first, [refusal('backend/b')], undefined))).not.toHaveProperty('backend/b')
    expect(digests(runningForm(first, [refusal('backend/b')], first))).not.toHaveProperty('backend/b')
  })

  it('tries a listener again that could not listen', () => {
    expect(digests(runningForm(first, [refusal('listener/http')], undefined))).toHaveProperty('listener/http', 'l1')
  })

  it('has the form of what is held, and nothing of what is gone', () => {
    const next = snapshot([listenerOf({ digest: 'l2' })], ['backend/b', 'telemetry'])
    const running = runningForm(next, [], first)
    expect(digests(running)).toEqual({ 'listener/http': 'l2', 'backend/b': 'b1' })
    expect(running.hold).toEqual([])
    expect(running.version).toBe(versionOf(running.resources, []))
  })
})
