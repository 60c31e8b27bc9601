import { TELEMETRY_CONDITION } from '../../contract/names.ts'
import type { ObjectRef, Problem, ProblemKind } from '../api/problem.ts'
import type { Condition } from '../api/verdict.ts'

/** The condition that a kind of Problem turns to False, and with which reason. */
interface Effect {
  readonly type: 'Accepted' | 'ResolvedRefs' | 'Programmed' | typeof TELEMETRY_CONDITION
  readonly reason: string
}

/**
 * The one table from what is wrong to what Kubernetes shows. A kind without an entry makes no condition: it is found
 * while reading files, before there is an object whose status could say it, or it is only ever a warning.
 * Reasons are Gateway API's own where it has one.
 */
const EFFECTS: { readonly [K in ProblemKind]: Effect | undefined } = {
  Syntax: undefined,
  UnknownField: undefined,
  UnknownKind: undefined,
  Duplicate: undefined,
  NoEffect: undefined,
  NotSupported: undefined,
  InvalidField: { type: 'Accepted', reason: 'Invalid' },
  UnsupportedValue: { type: 'Accepted', reason: 'UnsupportedValue' },
  UnsupportedAddress: { type: 'Accepted', reason: 'UnsupportedAddress' },
  NotBuilt: { type: 'Accepted', reason: 'UnsupportedValue' },
  IncompatibleFilters: { type: 'Accepted', reason: 'IncompatibleFilters' },
  InvalidParameters: { type: 'Accepted', reason: 'InvalidParameters' },
  ListenerUnsupportedProtocol: { type: 'Accepted', reason: 'UnsupportedProtocol' },
  ListenerPortUnavailable: { type: 'Accepted', reason: 'PortUnavailable' },
  ListenerHostnameConflict: { type: 'Accepted', reason: 'HostnameConflict' },
  ListenerProtocolConflict: { type: 'Accepted', reason: 'ProtocolConflict' },
  ListenerInvalidRouteKinds: { type: 'ResolvedRefs', reason: 'InvalidRouteKinds' },
  ListenerInvalidCertificateRef: { type: 'ResolvedRefs', reason: 'InvalidCertificateRef' },
  NoMatchingParent: { type: 'Accepted', reason: 'NoMatchingParent' },
  NotAllowedByListeners: { type: 'Accepted', reason: 'NotAllowedByListeners' },
  NoMatchingListenerHostname: { type: 'Accepted', reason: 'NoMatchingListenerHostname' },
  RefNotPermitted: { type: 'ResolvedRefs', reason: 'RefNotPermitted' },
  InvalidKind: { type: 'ResolvedRefs', reason: 'InvalidKind' },
  BackendNotFound: { type: 'ResolvedRefs', reason: 'BackendNotFound' },
  UnsupportedProtocol: { type: 'ResolvedRefs', reason: 'UnsupportedProtocol' },
  SecretNotFound: { type: 'ResolvedRefs', reason: 'SecretNotFound' },
  SecretInvalid: { type: 'ResolvedRefs', reason: 'SecretInvalid' },
  PolicyConflicted: { type: 'Accepted', reason: 'Conflicted' },
  PolicyTargetNotFound: { type: 'Accepted', reason: 'TargetNotFound' },
  PolicyInvalidCaRef: { type: 'ResolvedRefs', reason: 'InvalidCACertificateRef' },
  PolicyNoValidCa: { type: 'Accepted', reason: 'NoValidCACertificate' },
  ConfigMapNotFound: { type: TELEMETRY_CONDITION, reason: 'ConfigMapNotFound' },
  ConfigKeyNotFound: { type: TELEMETRY_CONDITION, reason: 'KeyNotFound' },
  ConfigInvalid: { type: TELEMETRY_CONDITION, reason: 'Invalid' },
  Expression: { type: TELEMETRY_CONDITION, reason: 'PartiallyInvalid' },
  Refused: { type: 'Accepted', reason: 'Refused' },
  NotDeployed: { type: 'Programmed', reason: 'NoResources' },
}

/** Whether a Problem turns a condition of this type to False. Warnings and infos never do. */
export function affects(problem: Problem, type: string): boolean {
  return problem.severity === 'error' && EFFECTS[problem.kind]?.type === type
}

/** The reason that a Problem gives to the condition that it turns to False. */
export function reasonOf(problem: Problem): string {
  return EFFECTS[problem.kind]?.reason ?? 'Invalid'
}

/** The API server's limit for a condition's message. */
const MESSAGE_CHARACTERS = 32_768

/**
 * What several Problems say, in one message that names their fields.
 * @param holder whose condition it is; Problems of other objects are said to be theirs
 */
export function messageOf(problems: readonly Problem[], holder?: ObjectRef): string {
  const lines = problems.map(({ at, path, inner, message, advice }) => {
    const place = inner === undefined ? path : `${path}, line ${inner.line}, column ${inner.column}`
    const isForeign =
      holder !== undefined && (at.kind !== holder.kind || at.name !== holder.name || at.namespace !== holder.namespace)
    const whose = isForeign ? `${at.kind} ${at.namespace}/${at.name}: ` : ''
    return `${whose}${place}: ${message}${advice === undefined ? '' : ` (${advice})`}`
  })
  const text = [...new Set(lines)].join('; ')
  return text.length > MESSAGE_CHARACTERS ? `${text.slice(0, MESSAGE_CHARACTERS - 1)}…` : text
}

/** A condition that `problems` turn to False, with the first one's reason; True when none of them concerns it. */
export function conditionFrom(
  type: string,
  generation: number | undefined,
  problems: readonly Problem[],
  good: { readonly reason: string; readonly message: string },
): Condition {
  const bad = problems.filter((problem) => affects(problem, type))
  return bad.length === 0
    ? condition(type, 'True', good.reason, good.message, generation)
    : condition(type, 'False', reasonOf(bad[0] as Problem), messageOf(bad), generation)
}

/** A condition, with the generation that it was found in where there is one. */
export function condition(
  type: string,
  status: Condition['status'],
  reason: string,
  message: string,
  generation: number | undefined,
): Condition {
  return { type, status, reason, message, ...(generation === undefined ? {} : { observedGeneration: generation }) }
}
