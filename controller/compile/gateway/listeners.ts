import { sealed } from '../../../contract/digest.ts'
import { RESERVED_PORTS } from '../../../contract/names.ts'
import { didYouMean } from '../../../contract/nearest.ts'
import type { CredentialResource, ListenerResource } from '../../../contract/snapshot.ts'
import type { Gateway, GatewayListener } from '../../api/gateway.ts'
import type { Problem } from '../../api/problem.ts'
import { affects } from '../conditions.ts'
import { fullName, notBuiltFields, problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { normalised } from '../route/hostnames.ts'
import { type RouteKind, supportedKinds } from './allowed-routes.ts'
import { listenerCertificates } from './certificates.ts'
import { listenerConflict } from './listener-conflicts.ts'

/** What compile found about one listener. */
export interface ListenerFindings {
  readonly spec: GatewayListener
  readonly problems: readonly Problem[]
  readonly supportedKinds: readonly RouteKind[]
  /** Nothing is wrong with the listener itself; its references may still lead nowhere. */
  readonly accepted: boolean
  /** What the snapshot gets of it; undefined when it cannot be served. */
  readonly resource: ListenerResource | undefined
  readonly credentials: readonly CredentialResource[]
}

type HttpProtocol = ListenerResource['protocol']

const HTTP_PROTOCOLS: readonly string[] = ['HTTP', 'HTTPS'] satisfies readonly HttpProtocol[]

/** Protocols of Gateway API that weir does not speak yet. */
const LATER_PROTOCOLS: readonly string[] = ['TLS', 'TCP', 'UDP']

/** Looks at all listeners of a Gateway; the result is in the spec's order. */
export function findListeners(lookup: Lookup, gateway: Gateway): readonly ListenerFindings[] {
  const listeners = gateway.spec?.listeners ?? []
  const own = listeners.map((listener, index) => ownMistakes(gateway, listener, pathOf(index)))
  const sound = listeners.filter((_, index) => own[index]?.length === 0)
  return listeners.map((listener, index) => {
    const mistakes = own[index] ?? []
    const others = sound.filter((other) => other !== listener)
    const conflict = mistakes.length > 0 ? undefined : listenerConflict(gateway, listener, pathOf(index), others)
    const unfit = conflict === undefined ? mistakes : [conflict]
    return finishListener(lookup, gateway, listener, pathOf(index), unfit)
  })
}

function pathOf(index: number): string {
  return `spec.listeners[${index}]`
}

function isHttp(protocol: string): protocol is HttpProtocol {
  return HTTP_PROTOCOLS.includes(protocol)
}

/** What keeps a listener from being accepted, whatever stands beside it. */
function ownMistakes(gateway: Gateway, { protocol, port, tls }: GatewayListener, path: string): readonly Problem[] {
  if (!isHttp(protocol)) {
    const message = LATER_PROTOCOLS.includes(protocol)
      ? `protocol ${protocol} is not built yet`
      : `unknown protocol '${protocol}'`
    const advice = didYouMean(protocol, HTTP_PROTOCOLS) ?? 'HTTP and HTTPS are supported'
    return [problemAt(gateway, `${path}.protocol`, 'ListenerUnsupportedProtocol', message, { advice })]
  }
  if (RESERVED_PORTS.includes(port)) {
    const advice = `taken are ${RESERVED_PORTS.join(', ')}`
    const message = `port ${port} is one that the pod uses for itself`
    return [problemAt(gateway, `${path}.port`, 'ListenerPortUnavailable', message, { advice })]
  }
  if (protocol === 'HTTPS' && (tls?.mode ?? 'Terminate') !== 'Terminate') {
    return [
      problemAt(gateway, `${path}.tls.mode`, 'UnsupportedValue', `an HTTPS listener cannot have mode '${tls?.mode}'`),
    ]
  }
  // Served without the check that it asks for, a listener would let everybody in.
  if (protocol === 'HTTPS' && gateway.spec?.tls?.frontend !== undefined) {
    const message = 'client certificates are not checked yet: no HTTPS listener of this Gateway is served'
    return [problemAt(gateway, 'spec.tls.frontend', 'UnsupportedValue', message)]
  }
  return []
}

function finishListener(
  lookup: Lookup,
  gateway: Gateway,
  spec: GatewayListener,
  path: string,
  unfit: readonly Problem[],
): ListenerFindings {
  const { name, port, protocol, hostname, tls } = spec
  if (!isHttp(protocol)) {
    return { spec, problems: unfit, supportedKinds: [], accepted: false, resource: undefined, credentials: [] }
  }
  const { kinds, problems: wrongKinds } = supportedKinds(gateway, spec, path)
  const certificates = protocol === 'HTTPS' ? certificatesOf(lookup, gateway, spec, path) : NO_CERTIFICATES
  const problems = [
    ...unfit,
    ...wrongKinds,
    ...certificates.problems,
    ...notBuiltFields(gateway, `${path}.tls`, tls ?? {}, ['options']),
  ]
  const accepted = !unfit.some((problem) => affects(problem, 'Accepted'))
  const canServe = accepted && kinds.length > 0 && (protocol === 'HTTP' || certificates.credentials.length > 0)
  const resource = sealed({
    kind: 'listener',
    key: `listener/${name}`,
    gateway: fullName(gateway),
    name,
    port,
    protocol,
    ...(hostname === undefined || hostname === '' ? {} : { hostname: normalised(hostname) }),
    ...(protocol === 'HTTPS' ? { certificates: certificates.credentials.map(({ key }) => key) } : {}),
  })
  return {
    spec,
    problems,
    supportedKinds: kinds,
    accepted,
    resource: canServe ? resource : undefined,
    credentials: canServe ? certificates.credentials : [],
  }
}

const NO_CERTIFICATES: ReturnType<typeof listenerCertificates> = { credentials: [], problems: [] }

function certificatesOf(
  lookup: Lookup,
  gateway: Gateway,
  { tls }: GatewayListener,
  path: string,
): ReturnType<typeof listenerCertificates> {
  const refs = tls?.certificateRefs ?? []
  if (refs.length > 0) return listenerCertificates(lookup, gateway, refs, `${path}.tls.certificateRefs`)
  const message = 'an HTTPS listener needs a certificate'
  return { credentials: [], problems: [problemAt(gateway, `${path}.tls`, 'ListenerInvalidCertificateRef', message)] }
}
