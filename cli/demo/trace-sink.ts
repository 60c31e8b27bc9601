import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  Server as GrpcServer,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { traceRequestToJson } from '../../dataplane/telemetry/otlp/otlp-json.ts'
import { MalformedProtobuf } from '../../dataplane/telemetry/otlp/protobuf-reader.ts'
import { NotOtlp, spansOfJson } from './otlp-spans.ts'
import { createTraceStore, type TraceStore } from './trace-store.ts'

/** A receiver of weir's own OTLP traces that keeps the last ones. */
export interface TraceSink {
  /** OTLP/gRPC, plaintext. */
  readonly grpcPort: number
  /** OTLP/HTTP, protobuf and JSON, plaintext, at `/v1/traces`. */
  readonly httpPort: number
  readonly store: TraceStore
  close(): Promise<void>
}

const MAX_BODY_BYTES = 16 * 1024 * 1024

/**
 * @param host the address to listen on
 * @param port of OTLP/gRPC, 0 for a free one; the one of OTLP/HTTP is always free
 */
export async function startTraceSink(host: string, port = 0): Promise<TraceSink> {
  const store = createTraceStore()
  const http = createServer((request, response) => {
    receive(request, store).then(
      (reply) => answer(response, reply),
      (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
    )
  })
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(0, host, resolve)
  })
  const grpc = grpcServer(store)
  const grpcPort = await new Promise<number>((resolve, reject) => {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
    grpc.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  return { grpcPort, httpPort: (http.address() as AddressInfo).port, store, close: () => closeBoth(http, grpc) }
}

function closeBoth(http: Server, grpc: GrpcServer): Promise<void> {
  grpc.forceShutdown()
  return new Promise((resolve) => {
    http.close(() => resolve())
    http.closeAllConnections()
  })
}

const SERVICE = 'opentelemetry.proto.collector.trace.v1.TraceService'

/** The one method of the trace service; messages stay bytes. An empty answer says that all was taken. */
function grpcServer(store: TraceStore): GrpcServer {
  const server = new GrpcServer({ 'grpc.max_receive_message_length': MAX_BODY_BYTES })
  const bytes = (message: Buffer): Buffer => message
  const method = {
    path: `/${SERVICE}/Export`,
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  }
  server.addService(
    { export: method },
    {
      export: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
        const problem = take(() => traceRequestToJson(call.request), store)
        if (problem === undefined) done(null, Buffer.alloc(0))
        else done({ code: status.INVALID_ARGUMENT, details: problem })
      },
    },
  )
  return server
}

/** @returns what is wrong with the request; undefined when its spans were taken */
function take(readJson: () => string, store: TraceStore): string | undefined {
  try {
    store.add(spansOfJson(readJson()))
    return undefined
  } catch (error) {
    if (error instanceof NotOtlp || error instanceof MalformedProtobuf) return error.message
    throw error
  }
}

interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

async function receive(request: IncomingMessage, store: TraceStore): Promise<Reply> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  const text = (status: number, body: string): Reply => ({ status, contentType: 'text/plain', body: `${body}\n` })
  if (length > MAX_BODY_BYTES) return text(413, 'too large')
  if (request.method !== 'POST' || request.url !== '/v1/traces') return text(404, 'OTLP goes to POST /v1/traces')
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]
  const body = Buffer.concat(chunks)
  if (type !== 'application/x-protobuf' && type !== 'application/json') return text(415, 'neither protobuf nor JSON')
  const json = type === 'application/json'
  const problem = take(() => (json ? body.toString() : traceRequestToJson(body)), store)
  return problem === undefined ? { status: 200, contentType: type, body: json ? '{}' : '' } : text(400, problem)
}

function answer(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { 'content-type': reply.contentType })
  response.end(reply.body)
}
