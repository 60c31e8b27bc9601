import { join } from 'node:path'
import { createLog } from '../../runtime/log.ts'
import { readFlags } from '../flags.ts'
import { type RunningGateway, startGateway } from '../run.ts'
import { readRunSettings } from '../run-settings.ts'
import { DEMO_PORT } from './demo.ts'
import { type DemoParts, startDemoParts } from './demo-parts.ts'

const LOOPBACK = '127.0.0.1'
const FREE = { model: 0, otlp: 0, view: 0 }

/** A real stand-alone gateway between the parts, on a free port. */
function gatewayBetween({ modelPort, otlpPort }: DemoParts): Promise<RunningGateway> {
  const args = [
    ...['--bind', LOOPBACK, '--log-level', 'off,request=off', '--port-map', `${DEMO_PORT}:0`],
    ...['--admin', 'off', '--stats', 'off', '--readiness', 'off'],
    ...['--connect-to', `mock-model.demo.svc.cluster.local:8000:${LOOPBACK}:${modelPort}`],
    ...['--connect-to', `collector.demo.svc.cluster.local:4317:${LOOPBACK}:${otlpPort}`],
  ]
  const flags = readFlags('demo', args, {})
  if (typeof flags === 'string') throw new Error(flags)
  const settings = readRunSettings(flags, {})
  if (typeof settings === 'string') throw new Error(settings)
  const paths = [join(import.meta.dirname, '../../examples/demo')]
  return startGateway({ settings: { ...settings, paths }, log: createLog(settings.log), onQuit: () => {} })
}

describe('the parts of the demo', () => {
  let parts: DemoParts
  let gateway: RunningGateway | undefined
  let gatewayPort: number

  const ask = async (path: string): Promise<{ readonly status: number; readonly text: string }> => {
    const answer = await fetch(`http://${LOOPBACK}:${parts.viewPort}${path}`)
    return { status: answer.status, text: await answer.text() }
  }

  beforeEach(async () => {
    gateway = undefined
    // Nothing listens on the port of a server that was just closed.
    const other = await startDemoParts({ gateway: () => ({ host: LOOPBACK, port: 0 }), host: LOOPBACK, ports: FREE })
    gatewayPort = other.viewPort
    await other.close()
    parts = await startDemoParts({
      gateway: () => ({ host: LOOPBACK, port: gatewayPort }),
      host: LOOPBACK,
      ports: FREE,
    })
  })

  afterEach(async () => {
    await gateway?.close()
    await parts.close()
  })

  it('are not ready before a gateway answers, and say so when tried', async () => {
    expect(await ask('/healthz/ready')).toMatchObject({ status: 503, text: expect.stringContaining('ECONNREFUSED') })
    expect(await ask('/try')).toMatchObject({ status: 502, text: expect.stringContaining('gives no answer') })
  })

  it('send a request through the gateway and show its answer and its own trace', async () => {
    gateway = await gatewayBetween(parts)
    gatewayPort = gateway.gateway.planes[0]?.localPort(DEMO_PORT) as number
    expect(await ask('/healthz/ready')).toEqual({ status: 200, text: 'ready\n' })
    const [one, two] = await Promise.all([ask('/try'), ask('/try')])
    for (const { status, text } of [one, two]) {
      expect(status).toBe(200)
      expect(text).toMatch(/^\(200, stop, .*\)$/m)
      expect(text).toMatch(/^ *tenant +"blue"$/m)
      expect(text.match(/^trace [0-9a-f]{32} /gm)).toHaveLength(1)
    }
    const idIn = (text: string): string | undefined => /^trace ([0-9a-f]{32})/m.exec(text)?.[1]
    expect(idIn(one.text)).not.toBe(idIn(two.text))
    const traces = JSON.parse((await ask('/traces')).text) as { readonly traceId: string }[]
    expect(traces.map(({ traceId }) => traceId).sort()).toEqual([idIn(one.text), idIn(two.text)].sort())
  })
})
