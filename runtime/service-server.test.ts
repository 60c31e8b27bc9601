import { request } from 'node:http'
import { jsonReply, type ServiceRoute, serveService, textReply } from './service-server.ts'

const routes = new Map<string, ServiceRoute>([
  ['GET /metrics', () => textReply('up 1\n')],
  ['POST /logging', (query) => jsonReply({ level: query.get('level') })],
  [
    'GET /broken',
    () => {
      throw new Error('secret cause')
    },
  ],
])

function ask(
  port: number,
  method: string,
  path: string,
  host = `localhost:${port}`,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers: { host } }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('serveService', () => {
  it('answers what it has and names it otherwise', async () => {
    const server = await serveService({ kind: 'tcp', host: '127.0.0.1', port: 0 }, routes, 'none')
    try {
      expect(await ask(server.port, 'GET', '/metrics')).toEqual({ status: 200, body: 'up 1\n' })
      expect(JSON.parse((await ask(server.port, 'POST', '/logging?level=debug')).body)).toEqual({ level: 'debug' })
      expect(await ask(server.port, 'GET', '/logging')).toEqual({ status: 405, body: 'use POST /logging\n' })
      expect((await ask(server.port, 'GET', '/nope')).body).toContain('GET /metrics')
      expect(await ask(server.port, 'GET', '/broken')).toEqual({ status: 500, body: 'internal error\n' })
    } finally {
      await server.close()
    }
  })

  it('refuses names that a foreign page could have pointed at this machine', async () => {
    const server = await serveService({ kind: 'tcp', host: '127.0.0.1', port: 0 }, routes, 'loopback')
    try {
      expect((await ask(server.port, 'GET', '/metrics', 'evil.example')).status).toBe(403)
      expect((await ask(server.port, 'GET', '/metrics', '127.0.0.1')).status).toBe(200)
    } finally {
      await server.close()
    }
  })

  it('says when an address is taken', async () => {
    const server = await serveService({ kind: 'tcp', host: '127.0.0.1', port: 0 }, routes, 'none')
    try {
      await expect(serveService({ kind: 'tcp', host: '127.0.0.1', port: server.port }, routes, 'none')).rejects.toThrow(
        'EADDRINUSE',
      )
    } finally {
      await server.close()
    }
  })
})
