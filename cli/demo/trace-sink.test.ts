import { Client, credentials } from '@grpc/grpc-js'
import { startTraceSink, type TraceSink } from './trace-sink.ts'
import { createTraceStore, tracesAsJson } from './trace-store.ts'

let sink: TraceSink

beforeEach(async () => {
  sink = await startTraceSink('127.0.0.1')
})

afterEach(() => sink.close())

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'

/** A request as OTLP/JSON, with one span. */
const JSON_REQUEST = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'weir' } }] },
      scopeSpans: [
        {
          scope: { name: 'weir' },
          spans: [
            {
              traceId: TRACE_ID,
              spanId: SPAN_ID,
              name: 'POST /chat',
              kind: 2,
              startTimeUnixNano: '1700000000000000001',
              endTimeUnixNano: '1700000000250000001',
              status: { code: 2, message: 'reset' },
              attributes: [
                { key: 'text', value: { stringValue: 'v' } },
                { key: 'int', value: { intValue: '200' } },
                { key: 'long', value: { intValue: '9007199254740993' } },
                { key: 'double', value: { doubleValue: 0.5 } },
                { key: 'bool', value: { boolValue: true } },
                { key: 'list', value: { arrayValue: { values: [{ stringValue: 'stop' }] } } },
                { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { intValue: 1 } }] } } },
                { key: 'none', value: {} },
              ],
            },
          ],
        },
      ],
    },
  ],
}

/** The same span without its attributes, as protobuf (opentelemetry-proto 1.x), written by hand. */
const PROTOBUF_REQUEST = (() => {
  const message = (field: number, ...parts: Uint8Array[]): Buffer => {
    const body = Buffer.concat(parts)
    return Buffer.concat([Buffer.from([(field << 3) | 2, body.length]), body])
  }
  const nanoseconds = (field: number, value: bigint): Buffer => {
    const bytes = Buffer.alloc(9, (field << 3) | 1)
    bytes.writeBigUInt64LE(value, 1)
    return bytes
  }
  const span = message(
    2,
    message(1, Buffer.from(TRACE_ID, 'hex')),
    message(2, Buffer.from(SPAN_ID, 'hex')),
    message(5, Buffer.from('POST /chat')),
    Buffer.from([6 << 3, 2]),
    nanoseconds(7, 1_700_000_000_000_000_001n),
    nanoseconds(8, 1_700_000_000_250_000_001n),
  )
  return message(1, message(2, span))
})()

function post(body: string | Uint8Array<ArrayBuffer>, type: string, path = '/v1/traces'): Promise<Response> {
  const headers = { 'content-type': type }
  return fetch(`http://127.0.0.1:${sink.httpPort}${path}`, { method: 'POST', body, headers })
}

function exportByGrpc(request: Buffer): Promise<Buffer | undefined> {
  const client = new Client(`127.0.0.1:${sink.grpcPort}`, credentials.createInsecure())
  const same = (bytes: Buffer): Buffer => bytes
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
  return new Promise<Buffer | undefined>((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, request, (error, reply) => (error ? reject(error) : resolve(reply)))
  }).finally(() => client.close())
}

const SPAN = {
  traceId: TRACE_ID,
  spanId: SPAN_ID,
  parentSpanId: '',
  name: 'POST /chat',
  kind: 'server',
  startNs: 1_700_000_000_000_000_001n,
  endNs: 1_700_000_000_250_000_001n,
}

describe('the trace sink', () => {
  it('takes JSON, attributes in order', async () => {
    const response = await post(JSON.stringify(JSON_REQUEST), 'application/json; charset=utf-8')
    expect([response.status, await response.text()]).toEqual([200, '{}'])
    expect(sink.store.find(TRACE_ID)?.spans).toEqual([
      {
        ...SPAN,
        status: 'error',
        statusMessage: 'reset',
        service: 'weir',
        attributes: [
          { key: 'text', value: 'v' },
          { key: 'int', value: 200 },
          { key: 'long', value: '9007199254740993' },
          { key: 'double', value: 0.5 },
          { key: 'bool', value: true },
          { key: 'list', value: ['stop'] },
          { key: 'map', value: { k: 1 } },
          { key: 'none', value: null },
        ],
      },
    ])
  })

  it('takes protobuf', async () => {
    const response = await post(new Uint8Array(PROTOBUF_REQUEST), 'application/x-protobuf')
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(sink.store.find(TRACE_ID)?.spans).toMatchObject([SPAN])
  })

  it('takes gRPC', async () => {
    expect(await exportByGrpc(PROTOBUF_REQUEST)).toHaveLength(0)
    expect(sink.store.find(TRACE_ID)?.spans).toMatchObject([SPAN])
  })

  it.each([
    ['{', 'application/json', '/v1/traces', 400],
    ['\u000a\u00ff', 'application/x-protobuf', '/v1/traces', 400],
    ['{}', 'text/plain', '/v1/traces', 415],
    ['{}', 'application/json', '/v1/logs', 404],
    ['[]', 'application/json', '/v1/traces', 200],
    ['{"resourceSpans": [null, {"scopeSpans": 5}]}', 'application/json', '/v1/traces', 200],
  ])('answers %j of type %s at %s with %d', async (body, type, path, status) => {
    expect((await post(body, type, path)).status).toBe(status)
    expect(sink.store.traces()).toEqual([])
  })

  it('refuses values that are nested without end', async () => {
    let value: object = { stringValue: 'v' }
    for (let depth = 0; depth < 40; depth++) value = { arrayValue: { values: [value] } }
    const spans = [{ traceId: TRACE_ID, attributes: [{ key: 'deep', value }] }]
    const response = await post(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }), 'application/json')
    expect(response.status).toBe(400)
  })

  it('refuses what is no protobuf by gRPC', async () => {
    await expect(exportByGrpc(Buffer.from('hello'))).rejects.toMatchObject({ code: 3 })
  })
})

describe('the trace store', () => {
  const span = (traceId: string) => ({
    ...SPAN,
    kind: 'server' as const,
    traceId,
    status: 'unset' as const,
    statusMessage: '',
    service: 'weir',
    attributes: [{ key: 'a', value: 1 }],
  })

  it('keeps the last traces', () => {
    const store = createTraceStore(2)
    for (const id of ['1', '2', '1', '3']) store.add([span(id)])
    expect(store.traces().map((trace) => trace.traceId)).toEqual(['2', '3'])
    expect(store.find('1')).toBeUndefined()
  })

  it('keeps a bounded number of spans of one trace', () => {
    const store = createTraceStore()
    store.add(Array.from({ length: 1500 }, () => span('1')))
    expect(store.find('1')?.spans).toHaveLength(1000)
  })

  it('tells subscribers of each trace that got spans, until they stop', () => {
    const store = createTraceStore()
    const heard: string[] = []
    const stop = store.subscribe((trace) => heard.push(`${trace.traceId}:${trace.spans.length}`))
    store.add([span('1'), span('2'), span('1')])
    store.add([span('2')])
    stop()
    store.add([span('3')])
    expect(heard).toEqual(['1:2', '2:1', '2:2'])
  })

  it('has a form that JSON can hold', () => {
    const store = createTraceStore()
    store.add([span('1')])
    expect(JSON.parse(JSON.stringify(tracesAsJson(store.traces())))).toMatchObject([
      { traceId: '1', spans: [{ startNs: '1700000000000000001', attributes: { a: 1 } }] },
    ])
  })
})
