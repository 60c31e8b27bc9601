import { createServer } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

/**
 * The least that a Node proxy can be: node:http, undici's Pool.dispatch, one fixed upstream, nothing else. What weir
 * adds is measured against it.
 * usage: bare.ts PORT UPSTREAM_PORT
 */
const [port, upstreamPort] = process.argv.slice(2).map(Number)
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 512, pipelining: 1 })

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
    let abort: (() => void) | undefined
    response.on('close', () => {
      if (!response.writableFinished) abort?.()
    })
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(controller) {
        abort = () => controller.abort(new Error('client gone'))
      },
      onResponseStart(controller, status) {
        response.writeHead(status, rawHeadersOf(controller))
      },
      onResponseData(controller, chunk) {
        if (!response.write(chunk)) {
          controller.pause()
          response.once('drain', () => controller.resume())
        }
      },
      onResponseEnd() {
        response.end()
      },
      onResponseError() {
        response.destroy()
      },
    }
    const headers = request.rawHeaders.filter(
      (_, at) => !/^(connection|keep-alive)$/i.test(request.rawHeaders[at - (at % 2)] as string),
    )
    pool.dispatch(
      { method: request.method as Dispatcher.HttpMethod, path: request.url as string, headers, body: body ?? null },
      handler,
    )
  })
}).listen(port, '127.0.0.1')

/** undici hands the raw header pairs over as buffers. */
function rawHeadersOf(controller: Dispatcher.DispatchController): string[] {
  const raw = (controller as { rawHeaders?: readonly (Buffer | string)[] }).rawHeaders ?? []
  const headers = raw.map(String)
  return headers.filter(
    (_, at) => !/^(connection|keep-alive|transfer-encoding)$/i.test(headers[at - (at % 2)] as string),
  )
}
