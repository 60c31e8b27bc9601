import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { hostname } from 'node:os'

/** The program of the rig's sample image: serves on $PORT and does inside its pod what a suite asks of it. */
let isReady = true
let isAlive = true

const routes: Readonly<Record<string, (query: URLSearchParams) => unknown>> = {
  '/': () => ({ pod: hostname() }),
  '/environment': () => process.env,
  '/identity': () => ({
    user: process.getuid?.(),
    group: process.getgid?.(),
    groups: process.getgroups?.(),
    workingDir: process.cwd(),
    status: readFileSync('/proc/self/status', 'utf8'),
  }),
  '/read': (query) => ({ text: readFileSync(query.get('path') ?? '', 'utf8') }),
  '/write': (query) => attempt(() => writeFileSync(query.get('path') ?? '', 'written')),
  '/listen': (query) => listen(Number(query.get('port'))),
  '/fetch': async (query) => {
    const answer = await fetch(query.get('url') ?? '')
    return { status: answer.status, text: await answer.text() }
  },
  '/set': (query) => {
    if (query.has('ready')) isReady = query.get('ready') === 'true'
    if (query.has('alive')) isAlive = query.get('alive') === 'true'
  },
  '/exit': (query) => void setImmediate(() => process.exit(Number(query.get('code')))),
}

function attempt(work: () => void): { error: string | undefined } {
  try {
    work()
    return { error: undefined }
  } catch (error) {
    return { error: (error as NodeJS.ErrnoException).code }
  }
}

function listen(port: number): Promise<{ error: string | undefined }> {
  return new Promise((resolve) => {
    const other = createServer()
    other.once('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code }))
    other.listen(port, () => other.close(() => resolve({ error: undefined })))
  })
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sample')
  if (url.pathname === '/healthz') response.writeHead(isAlive ? 200 : 500).end()
  else if (url.pathname === '/ready') response.writeHead(isReady ? 200 : 503).end()
  else {
    process.stdout.write(`${request.method} ${request.url}\n`)
    const route = routes[url.pathname]
    const body = await Promise.resolve(route?.(url.searchParams)).catch((error: Error) => ({ error: error.message }))
    response.writeHead(route === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? null))
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: Error) => response.writeHead(500).end(error.message))
})
server.listen(Number(process.env['PORT'] ?? 8080), () => process.stdout.write('listening\n'))
process.on('SIGTERM', () => {
  process.stdout.write('ending\n')
  if (process.env['STUBBORN'] !== 'true') setTimeout(() => process.exit(0), Number(process.env['END_AFTER_MS'] ?? 0))
})
