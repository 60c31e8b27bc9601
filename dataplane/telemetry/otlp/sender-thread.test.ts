import { type OtlpEndpoint, resolveEndpoint } from '../../../contract/otlp-endpoint.ts'
import { keptLog } from '../../../test/support/otlp-rig.ts'
import { startOtlpSink } from '../../../test/support/otlp-sink.ts'
import { sampleSpan } from '../../../test/support/otlp-spans.ts'
import { DEFAULT_TIMEOUTS, type SenderSettings } from './sender.ts'
import { type DeliveryListener, SenderThread } from './sender-thread.ts'
import { TraceBatch } from './trace-batch.ts'
import type { Delivered } from './worker-messages.ts'

const RETRY = { initialDelayMs: 1, maxDelayMs: 2, maxTimeMs: 60_000 }

function settings(port: number, more: Partial<SenderSettings> = {}): SenderSettings {
  const endpoint = resolveEndpoint({ otlpEndpoint: `127.0.0.1:${port}`, otlpProtocol: 'grpc' }) as OtlpEndpoint
  return { endpoint, headers: [], connectTo: [], userAgent: 'weir', timeouts: DEFAULT_TIMEOUTS, ...more }
}

function request(): Uint8Array<ArrayBuffer> {
  const batch = new TraceBatch({ attributes: 10, attributeBytes: 100 }, [])
  batch.add([sampleSpan()], 10_000)
  return batch.seal().bytes
}

/** Resolves with what the listener heard first. */
function listen(): { listener: DeliveryListener; heard: Promise<Delivered | 'lost'> } {
  let hear: (what: Delivered | 'lost') => void = () => {}
  const heard = new Promise<Delivered | 'lost'>((resolve) => {
    hear = resolve
  })
  const listener: DeliveryListener = {
    delivered: (_batch, result) => hear(result),
    failing: () => {},
    recovered: () => {},
    lost: () => hear('lost'),
  }
  return { listener, heard }
}

describe('SenderThread', () => {
  it('says that batches are lost when the thread dies, and starts another for the next', async () => {
    const sink = await startOtlpSink()
    const { log, lines } = keptLog()
    const thread = new SenderThread(log)
    try {
      const first = listen()
      const good = thread.open(settings(sink.grpcPort), RETRY, first.listener)
      // No exporter can have such a header; it makes the worker throw, as a bug would.
      const deadly = thread.open(settings(1, { headers: [{ name: 'a b', value: '' }] }), RETRY, listen().listener)
      good.deliver(1, request())
      expect(await first.heard).toBe('lost')
      expect(lines.map(({ msg }) => msg)).toEqual(['the thread that sends telemetry failed'])
      deadly.close()

      const second = listen()
      const again = thread.open(settings(sink.grpcPort), RETRY, second.listener)
      again.deliver(1, request())
      expect(await second.heard).toEqual({ kind: 'sent' })
      good.deliver(2, request())
      await sink.waitForSpans(2)
    } finally {
      await thread.terminate()
      await sink.close()
    }
  })

  it('takes the bytes away from who hands them over', async () => {
    const sink = await startOtlpSink()
    const thread = new SenderThread(keptLog().log)
    try {
      const { listener, heard } = listen()
      const bytes = request()
      thread.open(settings(sink.grpcPort), RETRY, listener).deliver(1, bytes)
      expect(bytes.byteLength).toBe(0)
      expect(await heard).toEqual({ kind: 'sent' })
    } finally {
      await thread.terminate()
      await sink.close()
    }
  })
})
