import { isIP } from 'node:net'
import {
  type ChannelOptions,
  Client,
  type ClientUnaryCall,
  status as Code,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { formatHostPort } from '../../../runtime/address.ts'
import { connectTarget } from '../../../runtime/connect-to.ts'
import { describeError, presentableCause } from './cause.ts'
import { parseProtobufResponse, parseRpcStatus } from './export-response.ts'
import { acceptedOr, MAX_ANSWER_BYTES, type Sender, type SenderSettings, type SendResult } from './sender.ts'

/**
 * Codes after which OTLP/gRPC lets the same request be sent again (OTLP specification, "Failures"). RESOURCE_EXHAUSTED
 * belongs to them only when the receiver says when.
 */
const RETRYABLE = new Set([
  Code.CANCELLED,
  Code.DEADLINE_EXCEEDED,
  Code.ABORTED,
  Code.OUT_OF_RANGE,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
])

const pass = (bytes: Buffer): Buffer => bytes

/** Sends requests by OTLP/gRPC: one unary method whose messages are the bytes that are here already. */
export function createGrpcSender(settings: SenderSettings): Sender {
  return new GrpcSender(settings)
}

class GrpcSender implements Sender {
  readonly #settings: SenderSettings
  readonly #metadata: Metadata
  readonly #calls = new Set<ClientUnaryCall>()
  #client: Client
  #closed = false

  constructor(settings: SenderSettings) {
    this.#settings = settings
    this.#metadata = metadataOf(settings)
    this.#client = connect(settings)
  }

  async send(request: Uint8Array): Promise<SendResult> {
    const client = this.#client
    try {
      const { connectMs } = this.#settings.timeouts
      if (!(await this.#connects(client, connectMs))) return this.#failed(`no connection within ${connectMs} ms`)
      if (this.#closed) return this.#failed('the exporter is closed')
      return await this.#call(client, Buffer.from(request.buffer, request.byteOffset, request.byteLength))
    } catch (error) {
      return this.#failed(describeError(error))
    }
  }

  close(): void {
    this.#closed = true
    for (const call of this.#calls) call.cancel()
    this.#client.close()
  }

  /** Waits until there is a connection, or until it is clear that there is none: then the call will say why. */
  #connects(client: Client, timeoutMs: number): Promise<boolean> {
    const channel = client.getChannel()
    const deadline = Date.now() + timeoutMs
    return new Promise((resolve) => {
      const look = (): void => {
        const state = channel.getConnectivityState(true)
        if (state !== connectivityState.IDLE && state !== connectivityState.CONNECTING) resolve(true)
        else channel.watchConnectivityState(state, deadline, (error) => (error ? resolve(false) : look()))
      }
      look()
    })
  }

  #call(client: Client, request: Buffer): Promise<SendResult> {
    const { endpoint, timeouts } = this.#settings
    const options = { deadline: Date.now() + timeouts.sendMs }
    return new Promise((resolve) => {
      const call = client.makeUnaryRequest(
        endpoint.path,
        pass,
        pass,
        request,
        this.#metadata,
        options,
        (error, answer) => {
          this.#calls.delete(call)
          resolve(error === null ? this.#answered(answer) : this.#refusedOrFailed(client, error))
        },
      )
      this.#calls.add(call)
    })
  }

  #answered(answer: Buffer | undefined): SendResult {
    const response = parseProtobufResponse(answer ?? Buffer.alloc(0))
    if (response === undefined) return { kind: 'refused', cause: 'gRPC OK with an answer that is not OTLP' }
    return acceptedOr({ ...response, message: presentableCause(response.message, this.#settings.headers) })
  }

  #refusedOrFailed(client: Client, error: ServiceError): SendResult {
    const cause = `gRPC ${Code[error.code]}: ${presentableCause(error.details, this.#settings.headers)}`
    const [details] = error.metadata?.get('grpc-status-details-bin') ?? []
    const delayMs = Buffer.isBuffer(details) ? parseRpcStatus(details)?.retryDelayMs : undefined
    // A peer that does not answer may have gone without closing the connection, which gRPC would go on using.
    if (error.code === Code.DEADLINE_EXCEEDED) this.#reconnect(client)
    if (RETRYABLE.has(error.code) || (error.code === Code.RESOURCE_EXHAUSTED && delayMs !== undefined))
      return { kind: 'failed', cause, delayMs }
    return { kind: 'refused', cause }
  }

  #reconnect(stale: Client): void {
    if (this.#client !== stale || this.#closed) return
    stale.close()
    this.#client = connect(this.#settings)
  }

  #failed(text: string): SendResult {
    return { kind: 'failed', cause: presentableCause(text, this.#settings.headers), delayMs: undefined }
  }
}

function connect({ endpoint, connectTo, userAgent }: SenderSettings): Client {
  const { host, port } = connectTarget(connectTo, endpoint.host, endpoint.port)
  const options: ChannelOptions = {
    'grpc.default_authority': formatHostPort(endpoint.host, endpoint.port),
    'grpc.primary_user_agent': userAgent,
    'grpc.max_send_message_length': -1,
    'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
    // Retries are weir's own; a service config or a proxy from elsewhere would only surprise.
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_http_proxy': 0,
    // So that closing a client closes its connection.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 5000,
    // A receiver that was moved is found soon.
    'grpc.dns_min_time_between_resolutions_ms': 1000,
    ...(isIP(endpoint.host) === 0 && { 'grpc.ssl_target_name_override': endpoint.host }),
  }
  const credential = endpoint.tls ? credentials.createSsl() : credentials.createInsecure()
  return new Client(`dns:${formatHostPort(host, port)}`, credential, options)
}

/** Values of `-bin` headers are written in base64, as they are on the wire. */
function metadataOf({ headers }: SenderSettings): Metadata {
  const metadata = new Metadata()
  for (const { name, value } of headers)
    metadata.add(name.toLowerCase(), name.toLowerCase().endsWith('-bin') ? Buffer.from(value, 'base64') : value)
  return metadata
}
