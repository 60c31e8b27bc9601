import { lookup } from 'node:dns/promises'
import { createServer, type Server } from 'node:net'

/**
 * The address to listen on, as an IP address: names are looked up, and `::` becomes `0.0.0.0` on a machine without IPv6.
 * A primary that had to look a name up for each worker could not open one port for several of them at once.
 * @throws Error when the name has no address
 */
export async function listenAddress(host: string): Promise<string> {
  if (host !== '::') return (await lookup(host)).address
  try {
    await closed(await opened(host, 0))
    return host
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error
    return '0.0.0.0'
  }
}

/**
 * A port map in which every `0` has become a port that is free now. All workers have to name the same port, and each
 * asks for it by itself.
 */
export async function withPortsChosen(
  portMap: ReadonlyMap<number, number>,
  host: string,
): Promise<ReadonlyMap<number, number>> {
  const chosen = new Map(portMap)
  const holding: Server[] = []
  try {
    for (const [port, local] of portMap) {
      if (local !== 0) continue
      // All are held until the last is found, so that none is found twice.
      const server = await opened(host, 0)
      holding.push(server)
      chosen.set(port, (server.address() as { port: number }).port)
    }
  } finally {
    await Promise.all(holding.map(closed))
  }
  return chosen
}

function opened(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port }, () => resolve(server))
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
