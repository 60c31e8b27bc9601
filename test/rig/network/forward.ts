import { TcpForwarder } from './tcp-forwarder.ts'

/**
 * `node test/rig/network/forward.ts ADDRESS:PORT TO:PORT` forwards what connects to the first (IPv4) to the second, until
 * it is ended. Run by nsenter inside a pod's network, it gives the pod something on its loopback.
 */
const [listen, to] = process.argv.slice(2).map((text) => {
  const [address = '', port] = text.split(':')
  return { address, port: Number(port) }
})
if (listen === undefined || to === undefined) {
  process.stderr.write('usage: node test/rig/network/forward.ts ADDRESS:PORT TO:PORT\n')
  process.exit(2)
}
await new TcpForwarder(listen, [to]).start()
