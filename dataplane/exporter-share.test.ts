import { telemetryConfig } from '../contract/telemetry-config.ts'
import { exporterShare } from './exporter-share.ts'

const tracing = (given: object) =>
  telemetryConfig.parse({ tracing: { exporters: [{ name: 'default', otlpEndpoint: 'http://c:4317', ...given }] } })
    .tracing

describe('exporterShare', () => {
  it('is everything for one process', () => {
    const whole = tracing({})
    expect(exporterShare(whole, 1)).toBe(whole)
    expect(exporterShare(undefined, 4)).toBeUndefined()
  })

  it("divides a queue's bytes and entries, and nothing else", () => {
    const whole = tracing({ limits: { queueBytes: 8_000_000, batchBytes: 1_000_000 }, queue: { maxEntries: 1001 } })
    const [exporter] = exporterShare(whole, 4)?.exporters ?? []
    expect(exporter).toEqual({
      ...whole?.exporters[0],
      limits: { ...whole?.exporters[0]?.limits, queueBytes: 2_000_000 },
      queue: { ...whole?.exporters[0]?.queue, maxEntries: 250, maxBatchSize: 250 },
    })
  })

  it('leaves each process room for something', () => {
    const [exporter] =
      exporterShare(tracing({ limits: { queueBytes: 3 }, queue: { maxEntries: 1 } }), 8)?.exporters ?? []
    expect(exporter?.limits).toMatchObject({ queueBytes: 1, batchBytes: 1 })
    expect(exporter?.queue).toMatchObject({ maxEntries: 1, maxBatchSize: 1 })
  })
})
