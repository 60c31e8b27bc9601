import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import {
  Server as GrpcServer,
  status as grpcStatus,
  Metadata,
  ServerCredentials,
  type ServerUnaryCall,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { type DecodedSpan, decodeJsonRequest, decodeProtobufRequest, encodeResponse } from './otlp-decoding.ts'

/**
 * How the sink answers. Spans count as received only when the sink says that it took them (`accept`, `partial`).
 * `hold` takes requests and answers none; `release()` of the sink answers them as `accept` would.
 */
export type SinkBehaviour =
  | { readonly kind: 'accept' }
  | { readonly kind: 'hold' }
  /** 400 or INVALID_ARGUMENT unless given. */
  | { readonly kind: 'refuse'; readonly httpStatus?: number; readonly grpcStatus?: number; readonly message?: string }
  /** 503 or UNAVAILABLE; with a delay, `Retry-After` or RetryInfo says it, and gRPC answers RESOURCE_EXHAUSTED. */
  | { readonly kind: 'unavailable'; readonly retryAfterSeconds?: number }
  | { readonly kind: 'partial'; readonly rejectedSpans: number; readonly errorMessage: string }
  /** 200 with something that is no OTLP answer. */
  | { readonly kind: 'garbage' }
  /** The connection is cut (HTTP); the call is aborted (gRPC). */
  | { readonly kind: 'reset' }

/** One request as it came in, whatever was answered. */
export interface SinkRequest {
  readonly protocol: 'grpc' | 'http' | 'http/json'
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  /** All spans in it. */
  readonly spans: readonly DecodedSpan[]
}

/** An OTLP receiver for tests: gRPC, HTTP with protobuf and HTTP with JSON, on 127.0.0.1. */
export interface OtlpSink {
  readonly grpcPort: number
  readonly httpPort: number
  /** The spans that were taken, in order of arrival. */
  spans(): readonly DecodedSpan[]
  requests(): readonly SinkRequest[]
  /** Resolves with all spans once at least `count` were taken. */
  waitForSpans(count: number): Promise<readonly DecodedSpan[]>
  /** Resolves with all requests once at least `count` came in. */
  waitForRequests(count: number): Promise<readonly SinkRequest[]>
  /** From the next request on. */
  behave(behaviour: SinkBehaviour): void
  /** Answers the requests that are held. */
  release(): void
  close(): Promise<void>
}

export interface OtlpSinkOptions {
  /** Serve TLS on both ports. PEM. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string }
  /** Ports to listen on, to come back where another sink was; 0, any, unless given. */
  readonly grpcPort?: number
  readonly httpPort?: number
}

const EXPORT_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'

/** What was received, and who waits for more. */
class Inbox {
  readonly spans: DecodedSpan[] = []
  readonly requests: SinkRequest[] = []
  readonly held: (() => void)[] = []
  behaviour: SinkBehaviour = { kind: 'accept' }
  readonly #waiting: (() => boolean)[] = []

  /** Notes the request and answers it: `accept` takes the spans, the rest is the transport's to say. */
  receive(request: SinkRequest, answer: (behaviour: SinkBehaviour) => void): void {
    const behaviour = this.behaviour
    this.requests.push(request)
    if (behaviour.kind === 'hold') {
      this.held.push(() => {
        this.spans.push(...request.spans)
        answer({ kind: 'accept' })
        this.#wake()
      })
    } else {
      if (behaviour.kind === 'accept' || behaviour.kind === 'partial') this.spans.push(...request.spans)
      answer(behaviour)
    }
    this.#wake()
  }

  until<T>(ready: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const check = (): boolean => {
        const value = ready()
        if (value !== undefined) resolve(value)
        return value !== undefined
      }
      if (!check()) this.#waiting.push(check)
    })
  }

  #wake(): void {
    const still = this.#waiting.filter((check) => !check())
    this.#waiting.splice(0, this.#waiting.length, ...still)
  }
}

interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string | Buffer
  readonly headers?: { readonly [name: string]: string }
}

/** @returns nothing when the connection is to be cut */
function httpAnswer(behaviour: SinkBehaviour, json: boolean): HttpAnswer | undefined {
  const contentType = json ? 'application/json' : 'application/x-protobuf'
  switch (behaviour.kind) {
    case 'accept':
      return { status: 200, contentType, body: json ? '{}' : encodeResponse() }
    case 'partial': {
      const { rejectedSpans, errorMessage } = behaviour
      const object = { partialSuccess: { rejectedSpans: String(rejectedSpans), errorMessage } }
      return { status: 200, contentType, body: json ? JSON.stringify(object) : encodeResponse(object.partialSuccess) }
    }
    case 'refuse':
      return { status: behaviour.httpStatus ?? 400, contentType: 'text/plain', body: behaviour.message ?? 'refused' }
    case 'unavailable': {
      const after = behaviour.retryAfterSeconds
      const headers = after === undefined ? {} : { 'retry-after': String(after) }
      return { status: 503, contentType: 'text/plain', body: 'later', headers }
    }
    case 'garbage':
      return { status: 200, contentType: 'text/html', body: '<html>not a collector</html>' }
    default:
      return undefined
  }
}

function answerHttp(behaviour: SinkBehaviour, json: boolean, response: ServerResponse): void {
  const answer = httpAnswer(behaviour, json)
  if (answer === undefined) response.destroy()
  else response.writeHead(answer.status, { 'content-type': answer.contentType, ...answer.headers }).end(answer.body)
}

/** google.rpc.Status{details: [RetryInfo{retry_delay: seconds}]}, as the trailer `grpc-status-details-bin` has it. */
function retryInfo(seconds: number): Metadata {
  const field = (tag: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([tag, body.length]), body])
  const info = field(0x0a, Buffer.from([0x08, seconds]))
  const any = Buffer.concat([field(0x0a, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')), field(0x12, info)])
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', field(0x1a, any))
  return metadata
}

type GrpcAnswer = { readonly bytes: Buffer } | { readonly error: Partial<StatusObject> }

function grpcAnswer(behaviour: SinkBehaviour): GrpcAnswer {
  switch (behaviour.kind) {
    case 'accept':
      return { bytes: encodeResponse() }
    case 'partial': {
      const { rejectedSpans, errorMessage } = behaviour
      return { bytes: encodeResponse({ rejectedSpans: String(rejectedSpans), errorMessage }) }
    }
    case 'refuse': {
      const code = behaviour.grpcStatus ?? grpcStatus.INVALID_ARGUMENT
      return { error: { code, details: behaviour.message ?? 'refused' } }
    }
    case 'unavailable': {
      const after = behaviour.retryAfterSeconds
      if (after === undefined) return { error: { code: grpcStatus.UNAVAILABLE, details: 'later' } }
      return { error: { code: grpcStatus.RESOURCE_EXHAUSTED, details: 'later', metadata: retryInfo(after) } }
    }
    case 'garbage':
      return { bytes: Buffer.from('<html>not a collector</html>') }
    default:
      return { error: { code: grpcStatus.ABORTED, details: 'aborted' } }
  }
}

function answerGrpc(behaviour: SinkBehaviour, reply: sendUnaryData<Buffer>): void {
  const answer = grpcAnswer(behaviour)
  if ('error' in answer) reply(answer.error)
  else reply(null, answer.bytes)
}

function receiveHttp(inbox: Inbox, request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const json = request.headers['content-type'] === 'application/json'
    const body = Buffer.concat(chunks)
    let spans: DecodedSpan[]
    try {
      spans = json ? decodeJsonRequest(body.toString()) : decodeProtobufRequest(body)
    } catch (error) {
      response.writeHead(400, { 'content-type': 'text/plain' }).end(`cannot decode: ${error}`)
      return
    }
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    inbox.receive({ protocol: json ? 'http/json' : 'http', path: request.url ?? '', headers, spans }, (behaviour) =>
      answerHttp(behaviour, json, response),
    )
  })
}

function receiveGrpc(inbox: Inbox, call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): void {
  let spans: DecodedSpan[]
  try {
    spans = decodeProtobufRequest(call.request)
  } catch (error) {
    reply({ code: grpcStatus.INVALID_ARGUMENT, details: `cannot decode: ${error}` })
    return
  }
  const headers = Object.fromEntries(Object.entries(call.metadata.getMap()).map(([name, v]) => [name, String(v)]))
  const authority = call.getHost()
  inbox.receive(
    { protocol: 'grpc', path: call.getPath(), headers: { ...headers, ':authority': authority }, spans },
    (behaviour) => answerGrpc(behaviour, reply),
  )
}

async function listenHttp(inbox: Inbox, options: OtlpSinkOptions): Promise<{ port: number; close(): Promise<void> }> {
  const receive = (request: IncomingMessage, response: ServerResponse): void => receiveHttp(inbox, request, response)
  const server: Server =
    options.tls === undefined
      ? createHttpServer(receive)
      : createHttpsServer({ cert: options.tls.certificate, key: options.tls.privateKey }, receive)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.httpPort ?? 0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

async function listenGrpc(inbox: Inbox, options: OtlpSinkOptions): Promise<{ port: number; close(): void }> {
  const server = new GrpcServer({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 })
  const pass = (bytes: Buffer): Buffer => bytes
  server.addService(
    {
      Export: {
        path: EXPORT_PATH,
        requestStream: false,
        responseStream: false,
        requestSerialize: pass,
        requestDeserialize: pass,
        responseSerialize: pass,
        responseDeserialize: pass,
      },
    },
    {
      Export: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => receiveGrpc(inbox, call, reply),
    },
  )
  const tls = options.tls
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [
          { cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.privateKey) },
        ])
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${options.grpcPort ?? 0}`, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  return { port, close: () => server.forceShutdown() }
}

/** Starts a sink that accepts. Close it at the end of the test; a closed sink's ports can be taken again. */
export async function startOtlpSink(options: OtlpSinkOptions = {}): Promise<OtlpSink> {
  const inbox = new Inbox()
  const http = await listenHttp(inbox, options)
  const grpc = await listenGrpc(inbox, options)
  return {
    grpcPort: grpc.port,
    httpPort: http.port,
    spans: () => inbox.spans,
    requests: () => inbox.requests,
    waitForSpans: (count) => inbox.until(() => (inbox.spans.length >= count ? inbox.spans : undefined)),
    waitForRequests: (count) => inbox.until(() => (inbox.requests.length >= count ? inbox.requests : undefined)),
    behave: (behaviour) => {
      inbox.behaviour = behaviour
    },
    release: () => {
      for (const answer of inbox.held.splice(0)) answer()
    },
    close: async () => {
      grpc.close()
      await http.close()
    },
  }
}
