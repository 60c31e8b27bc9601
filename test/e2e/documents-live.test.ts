import { eventually } from '../rig/eventually.ts'
import { ask, chat } from '../support/client.ts'
import { type CollectedSpans, collectedSpans, installCollector } from './collector-on-rig.ts'
import {
  DOCUMENTS_NAMESPACE,
  type DocumentsRig,
  documentManifest,
  loadBalancerAddress,
  startDocumentsRig,
} from './documents-rig.ts'
import { startSteadyLoad } from './steady-load.ts'

/** The Gemini document's gateway, changed by kubectl while it serves. */
const GATEWAY = 'agentgateway'
const PER_SECOND = 300
/** Of the load, before the change and after it is seen. */
const REQUESTS_AROUND = 300

let rig: DocumentsRig
let address: string
let spans: CollectedSpans

beforeAll(async () => {
  rig = await startDocumentsRig()
  await installCollector(rig)
  for (const file of ['configmap', 'gatewayparameters', 'gateway', 'secret', 'backend', 'httproute']) {
    await rig.apply(documentManifest(`gemini/${file}.yaml`))
  }
  await rig.kubectl('wait', '--for=condition=Programmed', `gateway/${GATEWAY}`, '-n', DOCUMENTS_NAMESPACE)
  await rig.kubectl('rollout', 'status', 'deploy/opentelemetry-collector-traces', '-n', 'telemetry')
  address = await loadBalancerAddress(rig, GATEWAY)
  await eventually('an answer', async () => (await send('/gemini')) === 200)
  spans = await collectedSpans(rig)
}, 180_000)

afterAll(async () => {
  await rig?.stop()
}, 60_000)

async function send(path: string, port = 80): Promise<number | undefined> {
  return ask(port, { address, path, body: chat() }).then(
    ({ status }) => status,
    () => undefined,
  )
}

const patch = async (object: string, type: 'merge' | 'json', body: unknown): Promise<void> => {
  await rig.kubectl('patch', object, '-n', DOCUMENTS_NAMESPACE, `--type=${type}`, '-p', JSON.stringify(body))
}

/** The pod, its container's starts, and the process that serves. */
async function running(): Promise<object> {
  const template = '{.metadata.name} {.metadata.uid} {.status.containerStatuses[*].restartCount}{"\\n"}'
  const printed = await rig.kubectl(
    ...['get', 'pods', '-n', DOCUMENTS_NAMESPACE, '-o', `jsonpath={range .items[*]}${template}{end}`],
  )
  const [name = ''] = printed.split(' ')
  return { printed, processId: await rig.node.processId({ namespace: DOCUMENTS_NAMESPACE, name, container: 'weir' }) }
}

interface Change {
  readonly change: string
  make(): Promise<void>
  /** Whether requests are served by it. */
  seen(): boolean | Promise<boolean>
}

const otherRoute = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'other', namespace: DOCUMENTS_NAMESPACE },
  spec: {
    parentRefs: [{ name: GATEWAY }],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/other' } }],
        backendRefs: [{ name: 'google', group: 'gateway.kgateway.dev', kind: 'Backend' }],
      },
    ],
  },
}

const CHANGES: readonly Change[] = [
  {
    change: 'the tracing ConfigMap edited',
    make: () => rig.apply(`${documentManifest('gemini/configmap.yaml').trimEnd()}\n            edited: '"yes"'\n`),
    seen: () => spans.recently('-> edited: Str(yes)'),
  },
  {
    change: 'the Secret rotated',
    make: () => patch('secret/google-secret', 'merge', { stringData: { Authorization: 'rotated' } }),
    seen: () => rig.model.requests.at(-1)?.headers.authorization === 'Bearer rotated',
  },
  {
    change: 'the Backend changed',
    make: () => patch('backend/google', 'merge', { spec: { ai: { llm: { gemini: { model: 'gemini-2.5-pro' } } } } }),
    seen: () => rig.model.requests.at(-1)?.body.includes('"gemini-2.5-pro"') === true,
  },
  {
    change: 'a route added',
    make: () => rig.apply(JSON.stringify(otherRoute)),
    seen: async () => (await send('/other')) === 200,
  },
  {
    change: 'a listener added',
    make: () => {
      const listener = { name: 'more', port: 8081, protocol: 'HTTP' }
      return patch(`gateway/${GATEWAY}`, 'json', [{ op: 'add', path: '/spec/listeners/-', value: listener }])
    },
    seen: async () => (await send('/gemini', 8081)) === 200,
  },
]

it.each(CHANGES)('$change: running pods use it, no request fails, no span is lost', async ({ change, make, seen }) => {
  const before = await running()
  expect(await seen()).toBe(false)
  // The name of a span has the query: these spans are of this load.
  const path = `/gemini?load=${encodeURIComponent(change)}`
  const load = startSteadyLoad({ port: 80, perSecond: PER_SECOND, request: { address, path, body: chat() } })
  const moreRequests = async (count: number): Promise<void> => {
    const until = load.sent + count
    await eventually('requests', () => load.sent >= until)
  }
  try {
    await moreRequests(REQUESTS_AROUND)
    await make()
    await eventually(change, seen)
    await moreRequests(REQUESTS_AROUND)
  } finally {
    await load.stop()
  }
  expect([...load.outcomes]).toEqual([[200, load.sent]])
  const sent = (): readonly string[] =>
    spans
      .all()
      .filter(({ name }) => name === `POST ${path}`)
      .map(({ spanId }) => spanId)
  await eventually('the spans', () => sent().length >= load.sent).catch(() => undefined)
  const ids = sent()
  expect({ spans: ids.length, different: new Set(ids).size }).toEqual({ spans: load.sent, different: load.sent })
  expect(await running()).toEqual(before)
})
