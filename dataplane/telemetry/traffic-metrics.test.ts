import { MetricRegistry } from '../../runtime/metrics.ts'
import { answered, attempt, begun, llmFacts, ROUTE } from '../../test/support/exchange.ts'
import type { Exchange } from '../exchange.ts'
import { noCounts } from './otlp/export-counts.ts'
import { TelemetryMetrics } from './telemetry-metrics.ts'
import { TrafficMetrics } from './traffic-metrics.ts'

const REQUEST =
  'bind="80/kgateway-system/agentgateway",gateway="kgateway-system/agentgateway",listener="http",' +
  'route="kgateway-system/google",route_rule="unknown",backend="kgateway-system/google",method="POST",status="200"'
const MODEL =
  'gen_ai_operation_name="chat",gen_ai_system="gemini",gen_ai_request_model="gemini-1.5-flash-latest",' +
  'gen_ai_response_model="gemini-1.5-flash-latest"'

function scrape(registry: MetricRegistry): { has: (line: string) => void; of: (name: string) => string[] } {
  const lines = registry.render().split('\n')
  return {
    has: (line) => expect(lines).toContain(line),
    of: (name) => lines.filter((line) => line.startsWith(name)),
  }
}

function metrics(): { registry: MetricRegistry; traffic: TrafficMetrics } {
  const registry = new MetricRegistry()
  return { registry, traffic: new TrafficMetrics(registry, '0.1.0') }
}

function streamed(): Exchange {
  const exchange = begun()
  const llm = llmFacts({
    streaming: true,
    firstTokenMs: exchange.startMs + 165.4,
    outputTokens: 31,
    cachedInputTokens: 4,
    cacheCreationInputTokens: 2,
  })
  return answered(exchange, llm)
}

describe('TrafficMetrics', () => {
  it('counts requests under the documented names and labels', () => {
    const { registry, traffic } = metrics()
    const sampler = traffic.sampler([], [])
    sampler.record(answered(begun()), [])
    sampler.record(answered(begun()), [])
    const page = scrape(registry)
    page.has(`agentgateway_requests_total{${REQUEST}} 2`)
    page.has(`agentgateway_request_duration_seconds_bucket{${REQUEST},le="2.56"} 0`)
    page.has(`agentgateway_request_duration_seconds_bucket{${REQUEST},le="5.12"} 2`)
    page.has(`agentgateway_request_duration_seconds_count{${REQUEST}} 2`)
    page.has(`agentgateway_response_bytes_sum{${REQUEST}} 4096`)
    page.has('agentgateway_build_info{tag="0.1.0"} 1')
    expect(page.of('agentgateway_retries_total{')).toEqual([])
  })

  it('observes model calls', () => {
    const { registry, traffic } = metrics()
    traffic.sampler([], []).record(streamed(), [])
    const page = scrape(registry)
    const usage = 'agentgateway_gen_ai_client_token_usage'
    page.has(`${usage}_bucket{gen_ai_token_type="input",${MODEL},le="4"} 0`)
    page.has(`${usage}_bucket{gen_ai_token_type="input",${MODEL},le="16"} 1`)
    page.has(`${usage}_sum{gen_ai_token_type="input",${MODEL}} 8`)
    page.has(`${usage}_sum{gen_ai_token_type="output",${MODEL}} 31`)
    page.has(`${usage}_sum{gen_ai_token_type="input_cache_read",${MODEL}} 4`)
    page.has(`${usage}_sum{gen_ai_token_type="input_cache_write",${MODEL}} 2`)
    page.has(`agentgateway_gen_ai_server_request_duration_bucket{${MODEL},le="2.56"} 0`)
    page.has(`agentgateway_gen_ai_server_request_duration_bucket{${MODEL},le="5.12"} 1`)
    page.has(`agentgateway_gen_ai_server_time_to_first_token_bucket{${MODEL},le="0.1"} 0`)
    page.has(`agentgateway_gen_ai_server_time_to_first_token_bucket{${MODEL},le="0.25"} 1`)
    // 3000 ms for the 30 tokens after the first
    page.has(`agentgateway_gen_ai_server_time_per_output_token_bucket{${MODEL},le="0.075"} 0`)
    page.has(`agentgateway_gen_ai_server_time_per_output_token_bucket{${MODEL},le="0.15"} 1`)
  })

  it('has no times of tokens for answers that are no streams, and nothing of models for other backends', () => {
    const { registry, traffic } = metrics()
    const sampler = traffic.sampler([], [])
    const plain = answered(begun())
    plain.llm = undefined
    sampler.record(plain, [])
    expect(scrape(registry).of('agentgateway_gen_ai')).toEqual([])
    sampler.record(answered(begun()), [])
    expect(scrape(registry).of('agentgateway_gen_ai_server_time')).toEqual([])
    expect(scrape(registry).of('agentgateway_gen_ai_server_request_duration_count')).toHaveLength(1)
  })

  it('says unknown for what is not known', () => {
    const { registry, traffic } = metrics()
    const exchange = begun()
    exchange.listener = undefined
    exchange.attempts.push(attempt(0), attempt(0), attempt(0))
    exchange.llm = llmFacts({ requestModel: undefined, upstreamModel: undefined, responseModel: undefined })
    exchange.outcome = { endMs: exchange.startMs, error: undefined, cut: 'downstream' }
    traffic.sampler([], []).record(exchange, [])
    const unknown =
      'bind="unknown",gateway="unknown",listener="unknown",route="unknown",route_rule="unknown",backend="unknown",method="POST",status="unknown"'
    const page = scrape(registry)
    page.has(`agentgateway_requests_total{${unknown}} 1`)
    page.has(`agentgateway_retries_total{${unknown}} 2`)
    expect(page.of('agentgateway_response_bytes_count')).toEqual([])
    expect(page.of('agentgateway_gen_ai_server_request_duration_count')[0]).toContain('gen_ai_request_model="unknown"')
  })

  it('adds configured labels, with names that Prometheus takes', () => {
    const { registry, traffic } = metrics()
    const sampler = traffic.sampler(['user.id', 'method', 'le', '9lives'], [])
    sampler.record(answered(begun()), ['al"ice\n\\', 'custom', 5n, undefined])
    const [line] = scrape(registry).of('agentgateway_requests_total{')
    expect(line).toContain(
      'method="custom",status="200",user_id="al\\"ice\\n\\\\",label_le="5",label_9lives="unknown"} 1',
    )
    expect(line?.match(/method=/g)).toHaveLength(1)
  })

  it.each([
    [0.000001, '0.000001'],
    [true, 'true'],
    [7n, '7'],
    [null, 'unknown'],
    ['', 'unknown'],
    [['a', 1n], '[\\"a\\",1]'],
    [new Uint8Array([1, 2, 3]), 'AQID'],
  ])('writes the value %j as a label', (value, text) => {
    const { registry, traffic } = metrics()
    traffic.sampler(['x'], []).record(answered(begun()), [value])
    expect(scrape(registry).of('agentgateway_requests_total{')[0]).toContain(`x="${text}"}`)
  })

  it('does not sample what is removed', () => {
    const { registry, traffic } = metrics()
    const removed = ['agentgateway_requests_total', 'response_bytes', 'gen_ai_client_token_usage', 'nothing']
    traffic.sampler([], removed).record(streamed(), [])
    const page = scrape(registry)
    expect(page.of('agentgateway_requests_total{')).toEqual([])
    expect(page.of('agentgateway_response_bytes_')).toEqual([])
    expect(page.of('agentgateway_gen_ai_client_token_usage_')).toEqual([])
    expect(page.of('agentgateway_request_duration_seconds_count')).toHaveLength(1)
  })

  it('goes on counting over generations with the same labels, and forgets the oldest of many others', () => {
    const { registry, traffic } = metrics()
    for (let i = 0; i < 3; i++) traffic.sampler(['a'], []).record(answered(begun()), ['x'])
    expect(
      scrape(registry)
        .of('agentgateway_requests_total{')
        .map((line) => line.slice(-2)),
    ).toEqual([' 3'])
    for (const name of ['b', 'c', 'd', 'a', 'e', 'f']) traffic.sampler([name], []).record(answered(begun()), ['x'])
    const names = scrape(registry)
      .of('agentgateway_requests_total{')
      .map((line) => /,(\w)="x"/.exec(line)?.[1])
    expect(names.sort()).toEqual(['a', 'd', 'e', 'f'])
  })

  it('bounds what clients can make of labels', () => {
    const { registry, traffic } = metrics()
    const sampler = traffic.sampler([], [])
    for (let i = 0; i < 2500; i++) {
      sampler.record(answered(begun(), llmFacts({ requestModel: `${i}${'x'.repeat(5000)}` })), [])
    }
    const page = scrape(registry)
    const counts = page.of('agentgateway_gen_ai_server_request_duration_count')
    expect(counts).toHaveLength(2001)
    expect(counts.some((line) => line.includes('gen_ai_request_model="overflow"') && line.endsWith(' 500'))).toBe(true)
    expect(Math.max(...counts.map((line) => line.length))).toBeLessThan(600)
    page.has('weir_metric_overflows_total{table="models"} 500')
  })

  it('tells rules and statuses apart', () => {
    const { registry, traffic } = metrics()
    const sampler = traffic.sampler([], [])
    const exchange = answered(begun({ method: 'GET' }))
    exchange.route = { ...ROUTE, rule: 'r1' }
    sampler.record(exchange, [])
    sampler.record(answered(begun()), [])
    expect(scrape(registry).of('agentgateway_requests_total{')).toHaveLength(2)
    scrape(registry).has(
      `agentgateway_requests_total{${REQUEST.replace('route_rule="unknown"', 'route_rule="r1"').replace('POST', 'GET')}} 1`,
    )
  })

  it('counts connections', () => {
    const { registry, traffic } = metrics()
    traffic.connectionOpened(80, 'ns/gw', 'HTTP')
    traffic.connectionOpened(80, 'ns/gw', 'HTTP')
    scrape(registry).has('agentgateway_downstream_connections_total{bind="80/ns/gw",gateway="ns/gw",protocol="http"} 2')
  })
})

describe('TelemetryMetrics', () => {
  it('shows what became of every exchange, adding up exporters of one name', () => {
    const registry = new MetricRegistry()
    const none = noCounts()
    const old = { ...none, ended: 5, sent: 3, inFlight: 2 }
    const now = { ...none, ended: 10, queued: 1, sent: 4, refused: 2, dropped: { ...none.dropped, queue_full: 3 } }
    new TelemetryMetrics(registry, {
      accessLogDropped: () => 9,
      exporters: () => [
        { name: 'default', counts: old },
        { name: 'default', counts: now },
        { name: 'other', counts: none },
      ],
    })
    const page = scrape(registry)
    const states = page.of('weir_otlp_exchanges{exporter="default"').map((line) => /state="(\w+)"} (\d+)/.exec(line))
    expect(states.map((found) => [found?.[1], Number(found?.[2])])).toEqual([
      ['ended', 15],
      ['queued', 1],
      ['in_flight', 2],
      ['spooled', 0],
      ['sent', 7],
      ['refused', 2],
      ['dropped', 3],
    ])
    expect(page.of('weir_otlp_exchanges{exporter="other"')).toHaveLength(7)
    page.has('weir_otlp_dropped_total{exporter="default",reason="queue_full"} 3')
    page.has('weir_access_log_dropped_total 9')
  })
})
