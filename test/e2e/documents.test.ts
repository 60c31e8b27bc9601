import { eventually } from '../rig/eventually.ts'
import { type RigProcess, startRigProcess } from '../rig/rig-process.ts'
import { type Answer, ask, chat } from '../support/client.ts'
import { collectorLog, installCollector, type PrintedSpan, spansIn, uninstallCollector } from './collector-on-rig.ts'
import {
  conditionsOf,
  DOCUMENTS_NAMESPACE,
  type DocumentsRig,
  documentManifest,
  loadBalancerAddress,
  PROVIDER,
  startDocumentsRig,
} from './documents-rig.ts'
import { startPortForward } from './port-forward.ts'

/** The two documents as their readers follow them: their manifests, their commands, their cleanup. */
let rig: DocumentsRig

/** What every namespace has. */
const BARE_NAMESPACE = ['configmap/kube-root-ca.crt', 'serviceaccount/default']

beforeAll(async () => {
  rig = await startDocumentsRig()
}, 180_000)

afterAll(async () => {
  await rig?.stop()
}, 60_000)

type Step = () => Promise<void>

const applying = (path: string): Step => {
  return () => rig.apply(documentManifest(path))
}

/** All objects of a namespace but Events, `kind/name`, sorted. */
async function objectsIn(namespace: string): Promise<readonly string[]> {
  const kinds = (await rig.kubectl('api-resources', '--verbs=list', '--namespaced', '-o', 'name')).trim().split('\n')
  const kept = kinds.filter((kind) => !/^events(\.|$)/.test(kind)).join(',')
  const names = await rig.kubectl('get', kept, '-n', namespace, '-o', 'name')
  return names
    .split('\n')
    .filter((line) => line !== '')
    .sort()
}

/** The garbage collector notices new kinds every half minute or so: until then it keeps what the first Gateways own. */
async function collected(deployment: string): Promise<void> {
  const where = ['-n', DOCUMENTS_NAMESPACE, '--timeout=90s']
  await rig.kubectl('wait', '--for=delete', `deploy/${deployment}`, ...where)
}

async function expectOnly(namespace: string, objects: readonly string[]): Promise<void> {
  let found: readonly string[] = []
  await eventually(`nothing but ${objects.join(', ')} in ${namespace}`, async () => {
    found = await objectsIn(namespace)
    return found.length === objects.length
  }).catch(() => undefined)
  expect(found).toEqual(objects)
}

/** `kubectl get pods`, once it shows the one pod as it shall be. */
async function expectRunning(namespace: string, deployment: string): Promise<void> {
  const row = new RegExp(`^${deployment}-[0-9a-f]{6,10}-[0-9a-z]{5} +1/1 +Running +0 +\\S+$`, 'm')
  let printed = ''
  await eventually(`the pod of ${deployment}`, async () => {
    printed = await rig.kubectl('get', 'pods', '-n', namespace)
    return row.test(printed)
  }).catch(() => undefined)
  expect(printed).toMatch(row)
}

/** The answer, once it has this status: a route takes its moment to reach the pods, and nobody says when it has. */
async function answered(status: number, send: () => Promise<Answer>): Promise<Answer> {
  let answer: Answer | undefined
  await eventually(`an answer with ${status}`, async () => {
    answer = await send()
    return answer.status === status
  }).catch((error: Error) => {
    throw new Error(`${error.message}; the last one was ${answer?.status} ${answer?.body}`)
  })
  return answer as Answer
}

/** The last line of `kubectl logs deploy/GATEWAY` that matches, once there is one. */
async function loggedRequest(gateway: string, matches: RegExp): Promise<RegExpExecArray> {
  let printed = ''
  let found: RegExpExecArray | null = null
  await eventually('the line of the request', async () => {
    printed = await rig.kubectl('logs', `deploy/${gateway}`, '-n', DOCUMENTS_NAMESPACE)
    found = matches.exec(
      printed
        .trimEnd()
        .split('\n')
        .findLast((line) => matches.test(line)) ?? '',
    )
    return found !== null
  }).catch((error: Error) => {
    throw new Error(`${error.message}:\n${printed}`)
  })
  return found as unknown as RegExpExecArray
}

/** The span of a trace in the log of the collector, once it is there. */
async function collectedSpan(traceId: string): Promise<PrintedSpan> {
  let span: PrintedSpan | undefined
  await eventually(`the span of ${traceId}`, async () => {
    span = spansIn(await collectorLog(rig)).find((one) => one.traceId === traceId)
    return span !== undefined
  })
  return span as PrintedSpan
}

const ORDERS = [
  { order: "the document's order", inOrder: <T>(steps: readonly T[]): readonly T[] => steps },
  { order: 'reverse order', inOrder: <T>(steps: readonly T[]): readonly T[] => steps.toReversed() },
]

describe.each(ORDERS)('the Gemini document, applied in $order', ({ inOrder }) => {
  const gateway = 'agentgateway'
  const steps: readonly Step[] = [
    () => installCollector(rig),
    ...['configmap', 'gatewayparameters', 'gateway', 'secret', 'backend', 'httproute'].map((file) =>
      applying(`gemini/${file}.yaml`),
    ),
  ]

  beforeAll(async () => {
    for (const step of inOrder(steps)) await step()
  }, 60_000)

  it('runs gateway and collector under their documented names, and says that all is well', async () => {
    await rig.kubectl('wait', '--for=condition=Programmed', `gateway/${gateway}`, '-n', DOCUMENTS_NAMESPACE)
    await expectRunning(DOCUMENTS_NAMESPACE, gateway)
    await expectRunning('telemetry', 'opentelemetry-collector-traces')
    const conditions = [`gateway/${gateway}`, 'gatewayparameters/tracing', 'backend/google'].map((object) =>
      conditionsOf(rig, object),
    )
    expect(await Promise.all(conditions)).toEqual([
      ['Accepted: True', 'Programmed: True', 'weir.dev/Telemetry: True'],
      ['Accepted: True', 'weir.dev/Telemetry: True'],
      ['Accepted: True', 'ResolvedRefs: True'],
    ])
    expect(await conditionsOf(rig, 'httproute/google', { path: '.status.parents[*].conditions' })).toEqual([
      'Accepted: True',
      'ResolvedRefs: True',
    ])
  })

  it("answers at the load-balancer's address", async () => {
    const address = await loadBalancerAddress(rig, gateway)
    const answer = await answered(200, () => ask(80, { address, path: '/gemini', body: chat() }))
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant' } }],
    })
    const seen = rig.model.requests.at(-1)
    expect(seen?.path).toBe('/v1beta/openai/chat/completions')
    expect(seen?.headers).toMatchObject({ host: PROVIDER, authorization: 'Bearer not-a-real-gemini-key' })
    expect(JSON.parse(seen?.body ?? '')).toMatchObject({ model: 'gemini-1.5-flash-latest' })
  })

  it('answers through kubectl port-forward, and shows the documented line and span', async () => {
    const forward = await startPortForward(
      rig.controlPlane,
      ...[`deployment/${gateway}`, '-n', DOCUMENTS_NAMESPACE, '8080:80'],
    )
    const headers = { host: 'localhost:8080' }
    const answer = await ask(8080, { path: '/gemini', headers, body: chat() }).finally(() => forward.stop())
    expect(answer.status).toBe(200)
    const { model, usage } = JSON.parse(answer.body.toString()) as {
      model: string
      usage: { prompt_tokens: number; completion_tokens: number }
    }
    const line = await loggedRequest(
      gateway,
      new RegExp(
        `\\tinfo\\trequest gateway=kgateway-system/agentgateway listener=http route=kgateway-system/google ` +
          `endpoint=generativelanguage\\.googleapis\\.com:443 src\\.addr=(127\\.0\\.0\\.1:\\d+) http\\.method=POST http\\.host=localhost ` +
          `http\\.path=/gemini http\\.version=HTTP/1\\.1 http\\.status=200 trace\\.id=([0-9a-f]{32}) span\\.id=([0-9a-f]{16}) ` +
          `llm\\.provider=gemini llm\\.request\\.model= llm\\.request\\.tokens=${usage.prompt_tokens} llm\\.response\\.model=${model} ` +
          `llm\\.response\\.tokens=${usage.completion_tokens} duration=(\\d+ms)$`,
      ),
    )
    const [, source, traceId = '', spanId, duration] = line
    expect(await collectedSpan(traceId)).toEqual({
      traceId,
      parentId: '',
      spanId,
      name: 'POST /gemini',
      kind: 'Server',
      statusCode: 'Unset',
      attributes: [
        'gateway: Str(kgateway-system/agentgateway)',
        'listener: Str(http)',
        'route: Str(kgateway-system/google)',
        'endpoint: Str(generativelanguage.googleapis.com:443)',
        `src.addr: Str(${source})`,
        'http.method: Str(POST)',
        'http.host: Str(localhost)',
        'http.path: Str(/gemini)',
        'http.version: Str(HTTP/1.1)',
        'http.status: Int(200)',
        `trace.id: Str(${traceId})`,
        `span.id: Str(${spanId})`,
        'llm.provider: Str(gemini)',
        'llm.request.model: Str()',
        `llm.request.tokens: Int(${usage.prompt_tokens})`,
        `llm.response.model: Str(${model})`,
        `llm.response.tokens: Int(${usage.completion_tokens})`,
        `duration: Str(${duration})`,
        'url.scheme: Str(http)',
        'network.protocol.version: Str(1.1)',
        'gen_ai.operation.name: Str(chat)',
        'gen_ai.system: Str(gemini)',
        'gen_ai.request.model: Str()',
        `gen_ai.response.model: Str(${model})`,
        `gen_ai.usage.completion_tokens: Int(${usage.completion_tokens})`,
        `gen_ai.usage.prompt_tokens: Int(${usage.prompt_tokens})`,
      ],
    })
  })

  it('is gone without a trace after the cleanup', async () => {
    const remove = (...object: string[]): Promise<string> => rig.kubectl('delete', ...object, '-n', DOCUMENTS_NAMESPACE)
    await remove('gateway', gateway)
    await remove('GatewayParameters', 'tracing')
    await remove('configmap', 'agent-gateway-config')
    await uninstallCollector(rig)
    await remove('httproute', 'google')
    await remove('Backend', 'google')
    await remove('secret', 'google-secret')
    await collected(gateway)
    await expectOnly(DOCUMENTS_NAMESPACE, BARE_NAMESPACE)
    await expectOnly('telemetry', BARE_NAMESPACE)
  }, 120_000)
})

describe.each(ORDERS)('the Jaeger and MCP document, applied in $order', ({ inOrder }) => {
  const gateway = 'agentgateway-tracing'
  const files = ['configmap', 'gatewayparameters', 'gateway', 'mcp-server', 'backend', 'httproute'].map(
    (file) => `jaeger-mcp/${file}.yaml`,
  )
  let defaultNamespace: readonly string[]
  let forwarder: RigProcess | undefined

  beforeAll(async () => {
    defaultNamespace = await objectsIn('default')
    // In the place of the compose file's Jaeger.
    await installCollector(rig)
    for (const file of inOrder(files)) await applying(file)()
    await rig.kubectl('wait', '--for=condition=Programmed', `gateway/${gateway}`, '-n', DOCUMENTS_NAMESPACE)
    forwarder = await collectorOnLoopback()
  }, 90_000)

  afterAll(async () => {
    await forwarder?.stop()
    await uninstallCollector(rig)
  }, 60_000)

  /** What the compose file's port 4317 is to a reader who runs the gateway on the same machine. */
  async function collectorOnLoopback(): Promise<RigProcess> {
    const selector = `gateway.networking.k8s.io/gateway-name=${gateway}`
    const name = await rig.kubectl(
      ...['get', 'pods', '-n', DOCUMENTS_NAMESPACE, '-l', selector, '-o', 'jsonpath={.items[0].metadata.name}'],
    )
    const collector = await rig.kubectl(
      ...['get', 'svc', 'opentelemetry-collector-traces', '-n', 'telemetry', '-o', 'jsonpath={.spec.clusterIP}'],
    )
    const pid = await rig.node.processId({ namespace: DOCUMENTS_NAMESPACE, name, container: 'weir' })
    const script = new URL('../rig/network/forward.ts', import.meta.url).pathname
    return startRigProcess({
      name: 'collector-on-loopback',
      folder: rig.controlPlane.folder,
      command: [
        ...(['nsenter', `--net=/proc/${pid}/ns/net`, process.execPath] as const),
        ...[script, '127.0.0.1:4317', `${collector}:4317`],
      ],
    })
  }

  it('runs gateway and MCP server under their documented names, and says that all is well', async () => {
    await rig.kubectl('wait', '--for=condition=Programmed', `gateway/${gateway}`, '-n', DOCUMENTS_NAMESPACE)
    await expectRunning(DOCUMENTS_NAMESPACE, gateway)
    await expectRunning('default', 'mcp-website-fetcher')
    expect(await conditionsOf(rig, `gateway/${gateway}`)).toEqual([
      'Accepted: True',
      'Programmed: True',
      'weir.dev/Telemetry: True',
    ])
    expect(await conditionsOf(rig, 'gatewayparameters/tracing')).toEqual(['Accepted: True', 'weir.dev/Telemetry: True'])
    const route = { namespace: 'default', path: '.status.parents[*].conditions' }
    expect(await conditionsOf(rig, 'httproute/mcp', route)).toEqual(['Accepted: True', 'ResolvedRefs: True'])
    expect(await conditionsOf(rig, 'backend/mcp-backend', { namespace: 'default' })).toEqual([
      'Accepted: True',
      'ResolvedRefs: True',
    ])
  })

  const initialize = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'inspector', version: '1' } },
  })

  it("is reached at the Gateway's address, where MCP answers 501 until its issue", async () => {
    const path = 'jsonpath={.status.addresses[0].value}'
    const address = await rig.kubectl('get', 'gateway', '-n', DOCUMENTS_NAMESPACE, gateway, '-o', path)
    expect(address).toBe(await loadBalancerAddress(rig, gateway))
    await answered(501, () => ask(8080, { address, path: '/mcp', body: initialize }))
  })

  it('is reached through kubectl port-forward, and shows line and span of the request, but for the MCP answer', async () => {
    const forward = await startPortForward(
      rig.controlPlane,
      ...[`deployment/${gateway}`, '-n', DOCUMENTS_NAMESPACE, '8080:8080'],
    )
    const headers = { host: 'localhost:8080' }
    const answer = await ask(8080, { path: '/mcp', headers, body: initialize }).finally(() => forward.stop())
    expect(answer.status).toBe(501)
    const line = await loggedRequest(
      gateway,
      /\tinfo\trequest gateway=kgateway-system\/agentgateway-tracing listener=http route=default\/mcp src\.addr=127\.0\.0\.1:\d+ http\.method=POST http\.host=localhost http\.path=\/mcp http\.version=HTTP\/1\.1 http\.status=501 trace\.id=([0-9a-f]{32}) span\.id=([0-9a-f]{16}) /,
    )
    const [, traceId = '', spanId] = line
    const span = await collectedSpan(traceId)
    expect(span).toMatchObject({ spanId, parentId: '', name: 'POST /mcp', kind: 'Server' })
    expect(span.attributes).toEqual(
      expect.arrayContaining([
        'gateway: Str(kgateway-system/agentgateway-tracing)',
        'listener: Str(http)',
        'route: Str(default/mcp)',
        'http.status: Int(501)',
        'gen_ai.operation.name: Str(chat)',
      ]),
    )
  })

  it('is gone without a trace when its manifests are deleted', async () => {
    for (const file of files.toReversed()) {
      await rig.controlPlane.kubectl(['delete', '-f', '-'], { stdin: documentManifest(file) })
    }
    await collected(gateway)
    await expectOnly(DOCUMENTS_NAMESPACE, BARE_NAMESPACE)
    await expectOnly('default', defaultNamespace)
  }, 120_000)
})
