import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { TcpForwarder } from './tcp-forwarder.ts'

const HOST = '127.0.0.1'
const servers: Server[] = []
const forwarders: TcpForwarder[] = []

async function serverThat(does: Parameters<typeof createServer>[1]): Promise<{ address: string; port: number }> {
  const server = createServer({ allowHalfOpen: true }, does)
  servers.push(server)
  server.listen(0, HOST)
  await once(server, 'listening')
  return { address: HOST, port: (server.address() as AddressInfo).port }
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const { port } = await serverThat(() => {})
  const server = servers.pop() as Server
  server.close()
  await once(server, 'close')
  return port
}

async function forwarding(endpoints: readonly { address: string; port: number }[]): Promise<[TcpForwarder, number]> {
  const port = await freePort()
  const forwarder = new TcpForwarder({ address: HOST, port }, endpoints)
  forwarders.push(forwarder)
  await forwarder.start()
  return [forwarder, port]
}

/** Sends, ends its side, and reads to the end. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect({ host: HOST, port, allowHalfOpen: true }, () => socket.end(text))
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part
    })
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
  })
}

/** Answers, once the client has ended its side, with what it sent. */
const echo = (name: string) =>
  serverThat((socket) => {
    let text = ''
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    socket.on('end', () => socket.end(`${name}:${text}`))
    socket.on('error', () => {})
  })

afterEach(() => {
  for (const forwarder of forwarders.splice(0)) forwarder.destroy()
  for (const server of servers.splice(0)) server.close()
})

describe('TcpForwarder', () => {
  it('forwards in turn, and carries the end of each direction on its own', async () => {
    const [, port] = await forwarding([await echo('a'), await echo('b')])
    expect([await exchange(port, '1'), await exchange(port, '2'), await exchange(port, '3')]).toEqual([
      'a:1',
      'b:2',
      'a:3',
    ])
  })

  it('resets a connection whose endpoint refuses', async () => {
    const [, port] = await forwarding([{ address: HOST, port: await freePort() }])
    await expect(exchange(port, 'x')).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('resets the client when the endpoint resets', async () => {
    const [, port] = await forwarding([
      await serverThat((socket) => socket.once('data', () => socket.resetAndDestroy())),
    ])
    await expect(exchange(port, 'x')).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('cuts nothing when the endpoints change or it stops to listen', async () => {
    const [forwarder, port] = await forwarding([await echo('old')])
    const socket = connect({ host: HOST, port, allowHalfOpen: true })
    await once(socket, 'connect')
    socket.write('early ')
    forwarder.endpoints = [await echo('new')]
    expect(await exchange(port, 'x')).toBe('new:x')
    forwarder.close()
    await expect(exchange(port, 'x')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    socket.end('late')
    const [answer] = await once(socket.setEncoding('utf8'), 'data')
    expect(answer).toBe('old:early late')
  })
})
