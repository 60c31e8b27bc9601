import { createServer, type Http2Server } from 'node:http2'

/**
 * An OTLP/gRPC receiver that only counts spans, by walking length prefixes: cheap enough not to be what is measured.
 * Runs in the benchmark's own process.
 */
export interface OtlpCounter {
  readonly port: number
  spans(): number
  close(): void
}

/** Where the next field of a protobuf message starts, and what it is. */
function varint(bytes: Buffer, from: number): [value: number, next: number] {
  let value = 0
  let shift = 1
  let at = from
  for (;;) {
    const byte = bytes[at++] as number
    value += (byte & 127) * shift
    if (byte < 128) return [value, at]
    shift *= 128
  }
}

/** Calls `found` for every length-delimited field of that number between two offsets. */
function eachField(
  bytes: Buffer,
  from: number,
  to: number,
  field: number,
  found: (from: number, to: number) => void,
): void {
  let at = from
  while (at < to) {
    const [tag, afterTag] = varint(bytes, at)
    const wireType = tag & 7
    if (wireType === 2) {
      const [length, start] = varint(bytes, afterTag)
      if (tag >> 3 === field) found(start, start + length)
      at = start + length
    } else if (wireType === 0) {
      at = varint(bytes, afterTag)[1]
    } else {
      at = afterTag + (wireType === 1 ? 8 : 4)
    }
  }
}

/** ExportTraceServiceRequest{1: ResourceSpans{2: ScopeSpans{2: Span}}} behind gRPC's five-byte frame head. */
function countSpans(frame: Buffer): number {
  let count = 0
  eachField(frame, 5, frame.length, 1, (a, b) =>
    eachField(frame, a, b, 2, (c, d) =>
      eachField(frame, c, d, 2, () => {
        count++
      }),
    ),
  )
  return count
}

/** @param mode `slow`: never answers; used to show that requests do not wait for an exporter */
export async function startOtlpCounter(mode: 'counting' | 'slow' = 'counting'): Promise<OtlpCounter> {
  let spans = 0
  const server: Http2Server = createServer({ settings: { initialWindowSize: 1 << 24 } })
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => {
    sessions.add(session)
    session.setLocalWindowSize(1 << 26)
    session.on('error', () => {})
  })
  server.on('stream', (stream) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      spans += countSpans(Buffer.concat(chunks))
      if (mode === 'slow') return
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(Buffer.alloc(5))
    })
  })
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  return {
    port,
    spans: () => spans,
    close: () => {
      for (const session of sessions) session.destroy()
      server.close()
    },
  }
}
