import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import type { UpstreamTls } from '../../contract/snapshot.ts'
import { type ConnectTo, connectTarget } from '../../runtime/connect-to.ts'
import { GatewayError } from '../fault.ts'

export interface ConnectorOptions {
  /** The endpoint as the backend names it; errors name it too. */
  readonly host: string
  readonly port: number
  readonly tls: UpstreamTls | undefined
  readonly connectTo: readonly ConnectTo[]
  /** For DNS, TCP and TLS together. */
  readonly timeoutMs: number
}

/** Gets a connected socket (over TLS: with the peer's certificate verified), or why there is none. */
export type Connected = (...result: [null, Socket] | [GatewayError, null]) => void

const DELAY_BEFORE_PROBES_MS = 60_000

/**
 * Opens connections to one endpoint. The name is looked up anew for each connection, `--connect-to` applied to where
 * it goes but not to the TLS name. A peer whose certificate does not fit gets nothing but the handshake.
 */
export function createConnector(options: ConnectorOptions): (connected: Connected) => void {
  const { tls } = options
  /** The newest TLS session, for resumption; all connections of a connector have the same name and trust. */
  let session: Buffer | undefined
  return (connected) => {
    const target = connectTarget(options.connectTo, options.host, options.port)
    if (tls === undefined) {
      const socket = connectTcp({ host: target.host, port: target.port, noDelay: true })
      return awaitConnection(socket, 'connect', options, connected)
    }
    const socket = connectTls({
      host: target.host,
      port: target.port,
      ALPNProtocols: ['http/1.1'],
      checkServerIdentity: (_name, certificate) => verifyName(tls, certificate),
      ...(isIP(tls.hostname) === 0 && { servername: tls.hostname }),
      ...(tls.ca !== undefined && { ca: tls.ca }),
      ...(session !== undefined && { session }),
    })
    socket.setNoDelay(true)
    socket.on('session', (next) => {
      session = next
    })
    awaitConnection(socket, 'secureConnect', options, connected)
  }
}

function awaitConnection(
  socket: Socket | TLSSocket,
  readyEvent: 'connect' | 'secureConnect',
  options: ConnectorOptions,
  connected: Connected,
): void {
  let tcpReady = false
  const endpoint = `${options.host}:${options.port}`
  const settle = (error: GatewayError | null) => {
    clearTimeout(timer)
    socket.off('error', onError).off('close', onClose).off(readyEvent, onReady)
    if (error === null) return connected(null, socket)
    socket.on('error', () => undefined).destroy()
    connected(error, null)
  }
  const timer = setTimeout(() => {
    settle(new GatewayError('upstream_timeout', `connecting to ${endpoint} took longer than ${options.timeoutMs} ms`))
  }, options.timeoutMs)
  const onReady = () => settle(null)
  const onError = (cause: Error) => {
    if (tcpReady && readyEvent === 'secureConnect') {
      settle(new GatewayError('upstream_tls_failed', `the TLS handshake with ${endpoint} failed`, { cause }))
    } else {
      settle(new GatewayError('upstream_connect_failed', `cannot connect to ${endpoint}`, { cause }))
    }
  }
  const onClose = () => onError(new Error('connection closed'))
  socket.setKeepAlive(true, DELAY_BEFORE_PROBES_MS)
  socket.once('connect', () => {
    tcpReady = true
  })
  socket.on('error', onError).on('close', onClose).on(readyEvent, onReady)
}

/**
 * The certificate must be for the hostname or, where the policy lists subject alternative names, for one of those
 * (Gateway API, BackendTLSPolicy validation.subjectAltNames).
 */
export function verifyName(tls: UpstreamTls, certificate: PeerCertificate): Error | undefined {
  const names = tls.subjectAltNames
  if (names === undefined || names.length === 0) return checkServerIdentity(tls.hostname, certificate)
  const uris = uriNames(certificate.subjectaltname ?? '')
  for (const name of names) {
    if (name.type === 'URI' ? uris.includes(name.value) : checkServerIdentity(name.value, certificate) === undefined) {
      return undefined
    }
  }
  return new Error('the certificate has none of the subject alternative names that the policy asks for')
}

/** The URIs in node's form of the extension: `DNS:a, URI:b`, values with a comma or quote in them as JSON strings. */
function uriNames(subjectAltName: string): string[] {
  const uris: string[] = []
  for (const [, quoted, plain] of subjectAltName.matchAll(/(?:^|, )URI:(?:("(?:[^"\\]|\\.)*")|([^,]*))/g)) {
    uris.push(quoted === undefined ? (plain ?? '') : (JSON.parse(quoted) as string))
  }
  return uris
}
