import type { BackendResource } from '../../contract/snapshot.ts'
import { GatewayError, TEXT_ERRORS } from '../fault.ts'
import type { Handler } from '../http/handler.ts'
import { relay } from '../http/relay.ts'
import type { UpstreamPools } from '../http/upstream-pools.ts'

export interface HttpHandlerOptions {
  /** Its body is of type `http`. */
  readonly backend: BackendResource
  readonly upstreams: UpstreamPools
}

/** A handler that holds connections until it is closed; a request that still runs may go on. */
export interface HttpHandler extends Handler {
  close(): void
}

/** What serves a plain HTTP backend: bodies stream both ways, endpoints take turns. Without an endpoint: 503. */
export function createHttpHandler({ backend, upstreams }: HttpHandlerOptions): HttpHandler {
  const body = backend.body
  if (body.type !== 'http') throw new Error(`backend ${backend.key} is no HTTP backend`)
  const endpoints = body.endpoints.map((endpoint) => upstreams.acquire(endpoint, body.tls))
  const acquired = [...endpoints]
  let turn = 0
  return {
    errors: TEXT_ERRORS,
    handle(call) {
      const upstream = endpoints[turn % endpoints.length]
      turn = (turn + 1) % Math.max(1, endpoints.length)
      if (upstream === undefined) {
        return call.fail(new GatewayError('no_healthy_backend', 'no healthy backends'))
      }
      const { method, target, rawHeaders } = call.head
      const hasBody = call.inbound.bodyLength !== 0
      relay(
        call,
        upstream,
        { method, target, rawHeaders, body: hasBody ? 'stream' : undefined },
        undefined,
        (result) => {
          if (typeof result === 'object' && 'failed' in result) call.fail(result.failed)
        },
      )
    },
    close() {
      for (const upstream of acquired.splice(0)) upstreams.release(upstream)
    },
  }
}
