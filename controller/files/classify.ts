import { GATEWAY_API_GROUP, WEIR_GROUP } from '../../contract/names.ts'
import type { Problem } from '../api/problem.ts'
import type { KnownKind } from './crd.ts'
import { apiVersionOf, KNOWN_KINDS } from './kinds.ts'
import { nearest } from './nearest.ts'
import { groupOf } from './origins.ts'

/** What reading should do with an object of some kind. */
export type KindClass =
  | { readonly is: 'known'; readonly kind: KnownKind }
  /** Nothing to do with weir: a Deployment, somebody else's custom resource. */
  | { readonly is: 'unrelated' }
  | ({ readonly is: 'problem' } & Pick<Problem, 'kind' | 'severity' | 'message'> & { readonly advice?: string })

/** Kinds that weir may have one day; `*` is every kind of the group. */
const NOT_BUILT: { readonly [group: string]: readonly string[] } = {
  [GATEWAY_API_GROUP]: ['GRPCRoute', 'ListenerSet', 'TLSRoute', 'TCPRoute', 'UDPRoute'],
  [WEIR_GROUP]: [
    'TrafficPolicy',
    'HTTPListenerPolicy',
    'ListenerPolicy',
    'BackendConfigPolicy',
    'DirectResponse',
    'GatewayExtension',
  ],
  'gateway.networking.x-k8s.io': ['*'],
  'agentgateway.dev': ['*'],
}

/** Core kinds that manifests hold beside those that weir reads. */
const UNRELATED_CORE = [
  'Binding',
  'Endpoints',
  'Event',
  'LimitRange',
  'Node',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Pod',
  'PodTemplate',
  'ReplicationController',
  'ResourceQuota',
  'ServiceAccount',
]

/** Names that other projects use for kinds of their own. */
const COMMON_NAMES = ['Backend', 'ConfigMap', 'EndpointSlice', 'Gateway', 'Namespace', 'Secret', 'Service']

/** Says what an object is by its apiVersion and kind; a mistyped one is told from somebody else's. */
export function classifyKind(apiVersion: string, kind: string): KindClass {
  const group = groupOf(apiVersion)
  const kinds = KNOWN_KINDS.filter((known) => known.group === group)
  if (kinds.length > 0 || Object.hasOwn(NOT_BUILT, group)) return classifyInGroup(apiVersion, kind, kinds)
  const groups = [...new Set([...KNOWN_KINDS.map((known) => known.group), ...Object.keys(NOT_BUILT)])]
  const meant = nearest(
    group,
    groups.filter((name) => name !== ''),
  )
  if (meant !== undefined) return unknownGroup(apiVersion, `did you mean '${meant}'?`)
  const namesake = KNOWN_KINDS.find((known) => known.kind.toLowerCase() === kind.toLowerCase())
  if (namesake === undefined) return { is: 'unrelated' }
  if (!COMMON_NAMES.includes(namesake.kind))
    return unknownGroup(apiVersion, `write apiVersion: ${apiVersionOf(namesake)}`)
  return {
    is: 'problem',
    kind: 'NoEffect',
    severity: 'info',
    message: `${kind} of ${apiVersion} is not weir's: ignored`,
    advice: `weir reads ${namesake.kind} of ${apiVersionOf(namesake)}`,
  }
}

function classifyInGroup(apiVersion: string, kind: string, kinds: readonly KnownKind[]): KindClass {
  const group = groupOf(apiVersion)
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
  const known = kinds.find((each) => each.kind === kind)
  if (known?.versions.includes(version)) return { is: 'known', kind: known }
  if (known !== undefined) {
    return unknownKind(`${kind} has no version '${version}' here`, `write apiVersion: ${apiVersionOf(known)}`)
  }
  const later = NOT_BUILT[group] ?? []
  if (later.includes(kind) || later.includes('*')) {
    return {
      is: 'problem',
      kind: 'NotBuilt',
      severity: 'warning',
      message: `${kind} of ${group}: not built yet: no effect`,
    }
  }
  if (group === '' && UNRELATED_CORE.includes(kind)) return { is: 'unrelated' }
  const elsewhere = KNOWN_KINDS.find((each) => each.kind === kind)
  if (elsewhere !== undefined) {
    return unknownKind(`there is no ${kind} in '${apiVersion}'`, `write apiVersion: ${apiVersionOf(elsewhere)}`)
  }
  const near = nearest(kind, [...kinds.map((each) => each.kind), ...later, ...(group === '' ? UNRELATED_CORE : [])])
  const advice =
    near === undefined ? `known here: ${kinds.map((each) => each.kind).join(', ')}` : `did you mean '${near}'?`
  return unknownKind(`unknown kind '${kind}' in '${apiVersion}'`, advice)
}

function unknownKind(message: string, advice: string): KindClass {
  return { is: 'problem', kind: 'UnknownKind', severity: 'error', message, advice }
}

function unknownGroup(apiVersion: string, advice: string): KindClass {
  return unknownKind(`unknown API group in '${apiVersion}'`, advice)
}
