import { GATEWAY_API_GROUP, WEIR_GROUP } from '../../../contract/names.ts'
import { didYouMean } from '../../../contract/nearest.ts'
import type { Broken, UpstreamTls } from '../../../contract/snapshot.ts'
import type { BackendTlsPolicy, PolicyTargetRef } from '../../api/backend-tls-policy.ts'
import type { Problem } from '../../api/problem.ts'
import { byAge, fullName, problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { findValidation } from './policy-validation.ts'

/** What a policy may point at. */
export type TlsTarget = { readonly kind: 'Service' | 'Backend'; readonly namespace: string; readonly name: string }

/** What compile found about one BackendTLSPolicy. */
export interface PolicyFindings {
  readonly object: BackendTlsPolicy
  /** How the upstream is spoken to; undefined when nothing in the policy says whom to trust. */
  readonly tls: UpstreamTls | undefined
  readonly problems: readonly Problem[]
  /** What it points at and is there; its Gateways are those through which one of these is reached. */
  readonly targets: readonly SectionTarget[]
  /** It rules at least one of them. */
  readonly rules: boolean
}

/** A part of a target that a policy names; without `section` all of it. */
export interface SectionTarget {
  readonly target: TlsTarget
  readonly section: string | undefined
}

/** What policies say of one target. */
export type TlsVerdict = { readonly tls: UpstreamTls } | { readonly broken: Broken } | undefined

/** All policies, and which of them rules what. */
export interface PolicyFinder {
  readonly policies: readonly PolicyFindings[]
  /** The policy that rules a section of a target: one for that section before one for all of it. */
  tlsOf(target: TlsTarget, section?: string): TlsVerdict
}

/**
 * Looks at all BackendTLSPolicies. Of several for the same section of the same target the oldest rules, and the others
 * are in conflict (Gateway API, BackendTLSPolicy). What an invalid policy rules is broken: never plain text instead.
 */
export function findPolicies(lookup: Lookup): PolicyFinder {
  const ruling = new Map<string, PolicyFindings>()
  const policies = [...lookup.all('BackendTLSPolicy')].sort(byAge).map((object) => {
    const { findings, won } = findPolicy(lookup, object, ruling)
    for (const place of won) ruling.set(place, findings)
    return findings
  })
  return {
    policies,
    tlsOf: (target, section) => {
      const policy = ruling.get(placeOf(target, section)) ?? ruling.get(placeOf(target, undefined))
      if (policy === undefined) return undefined
      if (policy.tls !== undefined) return { tls: policy.tls }
      return { broken: { status: 500, message: `BackendTLSPolicy ${fullName(policy.object)} is not valid` } }
    },
  }
}

function placeOf({ kind, namespace, name }: TlsTarget, section: string | undefined): string {
  return `${kind}/${namespace}/${name}/${section ?? ''}`
}

/** @param ruling what older policies rule already, by place */
function findPolicy(
  lookup: Lookup,
  object: BackendTlsPolicy,
  ruling: ReadonlyMap<string, PolicyFindings>,
): { readonly findings: PolicyFindings; readonly won: readonly string[] } {
  const { tls, problems } = findValidation(lookup, object)
  const wrong: Problem[] = []
  const targets: SectionTarget[] = []
  const won: string[] = []
  for (const [index, ref] of (object.spec?.targetRefs ?? []).entries()) {
    const path = `spec.targetRefs[${index}]`
    const { target, problem } = followTarget(lookup, object, ref, path)
    if (target !== undefined) targets.push({ target, section: problem === undefined ? ref.sectionName : undefined })
    if (problem !== undefined) wrong.push(problem)
    if (target === undefined || problem !== undefined) continue
    const place = placeOf(target, ref.sectionName)
    const ruler = ruling.get(place)
    if (ruler === undefined) won.push(place)
    else
      wrong.push(
        problemAt(object, path, 'PolicyConflicted', `${fullName(ruler.object)} is older and rules this target`),
      )
  }
  const found = [...problems, ...wrong, ...unknownOptions(object)]
  return { findings: { object, tls, problems: found, targets, rules: won.length > 0 }, won }
}

function unknownOptions(object: BackendTlsPolicy): readonly Problem[] {
  if (object.spec?.options === undefined) return []
  return [problemAt(object, 'spec.options', 'NoEffect', 'no option is known: no effect', { severity: 'warning' })]
}

/** The object that a reference names, if it is there, and what is wrong with the reference, if anything is. */
function followTarget(
  lookup: Lookup,
  object: BackendTlsPolicy,
  ref: PolicyTargetRef,
  path: string,
): { readonly target?: TlsTarget; readonly problem?: Problem } {
  const namespace = object.metadata.namespace ?? ''
  const missing = (field: string, message: string, advice?: string): Problem =>
    problemAt(object, `${path}.${field}`, 'PolicyTargetNotFound', message, { advice })
  const kind = targetKind(ref)
  if (kind === undefined) {
    const advice = `known are Service of the core group and Backend of ${WEIR_GROUP}`
    return {
      problem: missing(
        'kind',
        `kind '${ref.kind}' of group '${ref.group}' is nothing that this policy works on`,
        advice,
      ),
    }
  }
  const sections =
    kind === 'Service' ? portNames(lookup, namespace, ref.name) : providerNames(lookup, namespace, ref.name)
  if (sections === undefined) {
    const advice = didYouMean(ref.name, lookup.names(kind, namespace))
    return { problem: missing('name', `${kind} ${namespace}/${ref.name} not found`, advice) }
  }
  const target: TlsTarget = { kind, namespace, name: ref.name }
  if (ref.sectionName === undefined || sections.includes(ref.sectionName)) return { target }
  const what = kind === 'Service' ? 'port' : 'provider'
  const message = `${kind} ${namespace}/${ref.name} has no ${what} named '${ref.sectionName}'`
  return { target, problem: missing('sectionName', message, didYouMean(ref.sectionName, sections)) }
}

function targetKind({ group, kind }: PolicyTargetRef): TlsTarget['kind'] | undefined {
  if (group === '' && kind === 'Service') return kind
  return group === WEIR_GROUP && kind === 'Backend' ? kind : undefined
}

function portNames(lookup: Lookup, namespace: string, name: string): readonly string[] | undefined {
  const service = lookup.find('Service', namespace, name)
  return service === undefined ? undefined : (service.spec?.ports ?? []).flatMap((port) => port.name ?? [])
}

function providerNames(lookup: Lookup, namespace: string, name: string): readonly string[] | undefined {
  const backend = lookup.find('Backend', namespace, name)
  if (backend === undefined) return undefined
  return (backend.spec?.ai?.priorityGroups ?? []).flatMap(({ providers }) => providers.map((provider) => provider.name))
}

/** The reference by which a policy's status names a Gateway. */
export function ancestorRef(
  namespace: string,
  name: string,
): { group: string; kind: string; namespace: string; name: string } {
  return { group: GATEWAY_API_GROUP, kind: 'Gateway', namespace, name }
}
