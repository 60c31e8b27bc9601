import { pino } from 'pino'
import { readFlags } from '../flags.ts'
import { startGateway } from '../run.ts'
import { readRunSettings } from '../run-settings.ts'
import { DEMO_PORT, type DemoOptions, type DemoWiring, runDemo } from './demo.ts'
import { SAMPLES } from './samples.ts'
import { sendSample } from './send-sample.ts'

/** What the demo wrote, and a promise for the next time that it has written something. */
function output(): DemoOptions['out'] & { readonly text: () => string; until(pattern: RegExp): Promise<void> } {
  let text = ''
  let check: () => void = () => {}
  return {
    write: (piece) => {
      text += piece
      check()
    },
    text: () => text,
    until: (pattern) =>
      new Promise((resolve) => {
        check = () => {
          if (pattern.test(text)) resolve()
        }
        check()
      }),
  }
}

/** A real stand-alone gateway on a free port, as `weir demo` starts it. */
async function realGateway(wiring: DemoWiring) {
  const flags = readFlags('demo', ['--bind', '127.0.0.1', '--log-level', 'info,request=off'], {})
  if (typeof flags === 'string') throw new Error(flags)
  const settings = readRunSettings(flags, {})
  if (typeof settings === 'string') throw new Error(settings)
  let port = 0
  const log = pino({}, { write: (line) => (port ||= Number(JSON.parse(line).port ?? 0)) })
  const { paths, connectTo } = wiring
  const off = { kind: 'off' } as const
  const running = await startGateway({
    settings: {
      ...settings,
      paths,
      connectTo,
      portMap: new Map([[DEMO_PORT, 0]]),
      admin: off,
      stats: off,
      readiness: off,
    },
    log,
    onQuit: () => {},
  })
  return { port, close: () => running.close() }
}

const FOREVER = new Promise<void>(() => {})

describe('runDemo', () => {
  it('sends every sample once, prints answers and traces, and ends well', async () => {
    const out = output()
    const code = await runDemo({ once: true, attributes: true, out, startGateway: realGateway, stopped: FOREVER })
    const text = out.text()
    expect(text).not.toMatch(/^!/m)
    expect(code).toBe(0)
    for (const { title } of SAMPLES) expect(text).toContain(`# ${title}\n`)
    expect(text.match(/^trace [0-9a-f]{32} /gm)).toHaveLength(SAMPLES.length)
    expect(text).toMatch(/^ +tenant +"blue"$/m)
    expect(text).toMatch(/^ +llm\.tools\.0 +"river_level"$/m)
    expect(text).toMatch(/^├─ POST mock-model\S+ +client .* 503$/m)
    expect(text).toMatch(/^└─ POST mock-model\S+ +client .* 200$/m)
    expect(text).toMatch(/^trace 0af7651916cd43dd8448eb211c80319c {2}1 span /m)
  })

  it('says what failed, and ends with 1, when nobody answers', async () => {
    const out = output()
    const nobody = async () => ({ port: 1, close: async () => {} })
    expect(await runDemo({ once: true, attributes: false, out, startGateway: nobody, stopped: FOREVER })).toBe(1)
    expect(out.text()).toContain('! connect ECONNREFUSED 127.0.0.1:1')
    expect(out.text()).toContain(`${SAMPLES.length} of ${SAMPLES.length} samples failed`)
  })

  it('stays up for requests of others, and gives the traces as JSON, until it is stopped', async () => {
    const out = output()
    let stop = (): void => {}
    const stopped = new Promise<void>((resolve) => {
      stop = resolve
    })
    let started: (gateway: { port: number; wiring: DemoWiring }) => void = () => {}
    const serving = new Promise<{ port: number; wiring: DemoWiring }>((resolve) => {
      started = resolve
    })
    const demo = runDemo({
      once: false,
      attributes: false,
      out,
      stopped,
      startGateway: async (wiring) => {
        const gateway = await realGateway(wiring)
        started({ port: gateway.port, wiring })
        return gateway
      },
    })
    const { port, wiring } = await serving
    const [first] = SAMPLES
    expect((await sendSample(first as (typeof SAMPLES)[number], port)).status).toBe(200)
    await out.until(/^POST \/v1\/chat\/completions {2}server .* 200$/m)
    expect(JSON.parse(JSON.stringify(wiring.traces()))).toMatchObject([
      { spans: [{ name: 'POST /v1/chat/completions', kind: 'server', attributes: { tenant: 'blue' } }] },
    ])
    stop()
    expect(await demo).toBe(0)
    expect(out.text()).toContain(`curl -sN localhost:${port}/gemini`)
  })
})
