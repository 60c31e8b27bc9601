import { GATEWAY_API_GROUP, WEIR_GROUP } from '../../contract/names.ts'
import { nearest } from '../../contract/nearest.ts'
import type { Problem } from '../api/problem.ts'
import type { KnownKind } from './crd.ts'
import { apiVersionOf, KNOWN_KINDS } from './kinds.ts'
import { groupOf } from './origins.ts'

/** What reading should do with an object of some kind. */
export type KindClass =
  | { readonly is: 'known'; readonly kind: KnownKind }
  /** Nothing to do with weir: a Deployment, somebody else's custom resource. */
  | { readonly is: 'unrelated' }
  | ({ readonly is: 'problem' } & KindProblem)

export interface KindProblem extends Pick<Problem, 'kind' | 'severity' | 'message' | 'advice'> {
  /** Which of the two is wrong. */
  readonly field: 'apiVersion' | 'kind'
}

/** Kinds that weir may have one day; `*` is every kind of the group. */
const NOT_BUILT: { readonly [group: string]: readonly string[] } = {
  [GATEWAY_API_GROUP]: ['GRPCRoute', 'ListenerSet', 'TLSRoute', 'TCPRoute', 'UDPRoute'],
  [WEIR_GROUP]: ['HTTPListenerPolicy', 'ListenerPolicy', 'BackendConfigPolicy', 'DirectResponse', 'GatewayExtension'],
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
  if (kinds.length === 0 && !Object.hasOwn(NOT_BUILT, group)) return classifyElsewhere(apiVersion, kind)
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
  const known = kinds.find((each) => each.kind === kind)
  if (known?.versions.includes(version)) return { is: 'known', kind: known }
  if (known !== undefined) {
    return unknown('apiVersion', `${kind} has no version '${version}' here`, `write apiVersion: ${apiVersionOf(known)}`)
  }
  const later = NOT_BUILT[group] ?? []
  if (later.includes(kind) || later.includes('*')) {
    const message = `${kind} of ${group}: not built yet: no effect`
    return { is: 'problem', kind: 'NotBuilt', severity: 'warning', message, field: 'kind' }
  }
  if (group === '' && UNRELATED_CORE.includes(kind)) return { is: 'unrelated' }
  return unknownKind(apiVersion, kind, [...kinds.map((each) => each.kind), ...later])
}

/** An object of a group of which weir knows no kind. */
function classifyElsewhere(apiVersion: string, kind: string): KindClass {
  const groups = [...KNOWN_KINDS.map((known) => known.group), ...Object.keys(NOT_BUILT)].filter((name) => name !== '')
  const meant = nearest(groupOf(apiVersion), groups)
  const unknownGroup = `unknown API group in '${apiVersion}'`
  if (meant !== undefined) return unknown('apiVersion', unknownGroup, `did you mean '${meant}'?`)
  const namesake = KNOWN_KINDS.find((known) => known.kind.toLowerCase() === kind.toLowerCase())
  if (namesake === undefined) return { is: 'unrelated' }
  if (!COMMON_NAMES.includes(namesake.kind)) {
    return unknown('apiVersion', unknownGroup, `write apiVersion: ${apiVersionOf(namesake)}`)
  }
  return {
    is: 'problem',
    kind: 'NoEffect',
    severity: 'info',
    field: 'apiVersion',
    message: `${kind} of ${apiVersion} is not weir's: ignored`,
    advice: `weir reads ${namesake.kind} of ${apiVersionOf(namesake)}`,
  }
}

function unknownKind(apiVersion: string, kind: string, known: readonly string[]): KindClass {
  const elsewhere = KNOWN_KINDS.find((each) => each.kind === kind)
  if (elsewhere !== undefined) {
    const advice = `write apiVersion: ${apiVersionOf(elsewhere)}`
    return unknown('apiVersion', `there is no ${kind} in '${apiVersion}'`, advice)
  }
  const near = nearest(kind, groupOf(apiVersion) === '' ? [...known, ...UNRELATED_CORE] : known)
  const advice = near === undefined ? `known here: ${known.join(', ')}` : `did you mean '${near}'?`
  return unknown('kind', `unknown kind '${kind}' in '${apiVersion}'`, advice)
}

function unknown(field: KindProblem['field'], message: string, advice: string): KindClass {
  return { is: 'problem', kind: 'UnknownKind', severity: 'error', field, message, advice }
}
