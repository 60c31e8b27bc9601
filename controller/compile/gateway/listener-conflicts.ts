import type { Gateway, GatewayListener } from '../../api/gateway.ts'
import type { Problem } from '../../api/problem.ts'
import { problemAt } from '../findings.ts'
import { normalised } from '../route/hostnames.ts'

/**
 * The conflict that a listener has with others of its Gateway on the same port, if any: another protocol, or the same
 * hostname (none counts as one). Inside one Gateway nobody wins (Gateway API, "Distinct Listeners").
 * @param others the other listeners that could be served; those that cannot take nothing from anybody
 */
export function listenerConflict(
  gateway: Gateway,
  listener: GatewayListener,
  path: string,
  others: readonly GatewayListener[],
): Problem | undefined {
  const onPort = others.filter(({ port }) => port === listener.port)
  const otherProtocol = onPort.find(({ protocol }) => protocol !== listener.protocol)
  if (otherProtocol !== undefined) {
    const message = `port ${listener.port} is ${listener.protocol} here and ${otherProtocol.protocol} in listener '${otherProtocol.name}'`
    return problemAt(gateway, `${path}.protocol`, 'ListenerProtocolConflict', message)
  }
  const hostname = normalised(listener.hostname ?? '')
  const sameHostname = onPort.find((other) => normalised(other.hostname ?? '') === hostname)
  if (sameHostname === undefined) return undefined
  const what = hostname === '' ? 'no hostname' : `hostname '${hostname}'`
  const message = `listener '${sameHostname.name}' has ${what} on port ${listener.port} too`
  return problemAt(gateway, `${path}.${hostname === '' ? 'port' : 'hostname'}`, 'ListenerHostnameConflict', message)
}
