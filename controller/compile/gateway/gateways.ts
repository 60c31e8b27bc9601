import type { Gateway } from '../../api/gateway.ts'
import type { GatewayParameters } from '../../api/gateway-parameters.ts'
import type { Problem } from '../../api/problem.ts'
import type { Workload } from '../../api/verdict.ts'
import { notBuilt, notBuiltFields, problemAt, refTo } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import type { OwnClass } from './gateway-classes.ts'
import { followParameters, type MergedParameters, mergeParameters } from './gateway-parameters.ts'
import { findListeners, type ListenerFindings } from './listeners.ts'
import { findTelemetry, type TelemetryFindings } from './tracing-config-map.ts'
import { unsupportedParameters } from './unsupported-parameters.ts'

/** What compile found about one Gateway of ours. */
export interface GatewayFindings {
  readonly object: Gateway
  /** In the spec's order. */
  readonly listeners: readonly ListenerFindings[]
  readonly telemetry: TelemetryFindings
  readonly workload: Workload
  /** The GatewayParameters that count for it: its class's, then its own. */
  readonly parameters: readonly GatewayParameters[]
  /** Who names its tracing ConfigMap. */
  readonly namer: GatewayParameters | undefined
  /** About the Gateway as a whole and its parameters; those of its listeners are with them, telemetry's with that. */
  readonly problems: readonly Problem[]
}

/** Looks at a Gateway whose class is ours. */
export function findGateway(lookup: Lookup, object: Gateway, ownClass: OwnClass): GatewayFindings {
  const path = 'spec.infrastructure.parametersRef'
  const { parametersRef } = object.spec?.infrastructure ?? {}
  const followed = followParameters(lookup, object, path, parametersRef, object.metadata.namespace)
  const lost = [...lostClassParameters(object, ownClass), ...(followed.ok ? [] : [followed.problem])]
  const ofGateway = followed.ok ? followed.parameters : undefined
  const merged = mergeParameters(ownClass.parameters, ofGateway)
  const listeners = findListeners(lookup, object)
  const parameters = [ownClass.parameters, ofGateway].filter((one) => one !== undefined)
  return {
    object,
    listeners,
    telemetry: lost.length > 0 ? HELD_TELEMETRY : findTelemetry(lookup, object, merged),
    workload: workloadOf(object, listeners, merged, lost.length > 0),
    parameters,
    namer: lost.length > 0 ? undefined : merged.namedBy?.parameters,
    problems: [
      ...lost,
      ...wrongAddresses(object),
      ...unbuiltParts(object),
      ...parameters.flatMap((one) => unsupportedParameters(one)),
    ],
  }
}

/** Nobody knows what the lost parameters say of telemetry: what runs goes on. */
const HELD_TELEMETRY: TelemetryFindings = { resource: undefined, verdict: undefined, problems: [] }

/** A class whose parameters are lost takes its Gateways with it. */
function lostClassParameters(gateway: Gateway, { name, invalid }: OwnClass): readonly Problem[] {
  if (invalid === undefined) return []
  const message = `GatewayClass '${name}' is not accepted: ${invalid.message}`
  const { advice } = invalid
  return [problemAt(gateway, 'spec.gatewayClassName', 'InvalidParameters', message, { advice })]
}

function workloadOf(
  gateway: Gateway,
  listeners: readonly ListenerFindings[],
  { kube, selfManaged }: MergedParameters,
  hold: boolean,
): Workload {
  const ports = new Set(listeners.filter(({ accepted }) => accepted).map(({ spec }) => spec.port))
  const { uid } = gateway.metadata
  const { labels, annotations } = gateway.spec?.infrastructure ?? {}
  return {
    gateway: refTo(gateway),
    ...(uid === undefined ? {} : { uid }),
    className: gateway.spec?.gatewayClassName ?? '',
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    hold,
    ports: [...ports].sort((a, b) => a - b),
    parameters: kube,
    selfManaged,
  }
}

/** Gateway API's own address types; a type with a domain in front would be somebody's extension. */
const ADDRESS_TYPES: readonly string[] = ['IPAddress', 'Hostname']

function wrongAddresses(gateway: Gateway): readonly Problem[] {
  return (gateway.spec?.addresses ?? []).flatMap(({ type = 'IPAddress' }, index) => {
    const path = `spec.addresses[${index}]`
    if (ADDRESS_TYPES.includes(type)) return notBuilt(gateway, path)
    const advice = `types are ${ADDRESS_TYPES.join(' and ')}`
    return problemAt(gateway, `${path}.type`, 'UnsupportedAddress', `unknown address type '${type}'`, { advice })
  })
}

function unbuiltParts(gateway: Gateway): readonly Problem[] {
  const { allowedListeners, tls, defaultScope } = gateway.spec ?? {}
  const asksForListenerSets = (allowedListeners?.namespaces?.from ?? 'None') !== 'None'
  const asksForScope = (defaultScope ?? 'None') !== 'None'
  return [
    ...(asksForListenerSets ? [notBuilt(gateway, 'spec.allowedListeners')] : []),
    ...(asksForScope ? [notBuilt(gateway, 'spec.defaultScope')] : []),
    ...notBuiltFields(gateway, 'spec.tls', tls ?? {}, ['backend']),
  ]
}
