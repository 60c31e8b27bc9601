import { GATEWAY_API_GROUP, WEIR_GROUP } from '../../../contract/names.ts'
import { didYouMean } from '../../../contract/nearest.ts'
import type { Problem } from '../../api/problem.ts'
import type { TrafficPolicy, TrafficPolicyTargetRef } from '../../api/traffic-policy.ts'
import { fullName, problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'

/** What a TrafficPolicy may be for; a Backend has no sections. */
export interface PolicyTarget {
  readonly kind: TargetKind
  readonly namespace: string
  readonly name: string
  /** A listener, or the name of a rule; without it all of the target is meant. */
  readonly section: string | undefined
}

type TargetKind = keyof typeof TARGET_GROUPS

const TARGET_GROUPS = { Gateway: GATEWAY_API_GROUP, HTTPRoute: GATEWAY_API_GROUP, Backend: WEIR_GROUP } as const

/** What one targetRef leads to. */
export interface TargetFindings {
  readonly ref: TrafficPolicyTargetRef
  /** Of the reference in the policy. */
  readonly path: string
  /** The object, if it is there; its section may be missing all the same, as `problem` says. */
  readonly target: PolicyTarget | undefined
  readonly problem: Problem | undefined
}

/** Follows one targetRef. A policy reaches its own namespace only (GEP-713, direct references). */
export function followTarget(
  lookup: Lookup,
  policy: TrafficPolicy,
  ref: TrafficPolicyTargetRef,
  path: string,
): TargetFindings {
  const missing = (field: string, message: string, advice: string | undefined): Problem =>
    problemAt(policy, `${path}.${field}`, 'PolicyTargetNotFound', message, { advice })
  const kind = targetKind(ref)
  if (kind === undefined) {
    const message = `kind '${ref.kind}' of group '${ref.group}' is nothing that this policy works on`
    return { ref, path, target: undefined, problem: missing('kind', message, kindAdvice(ref)) }
  }
  const namespace = policy.metadata.namespace ?? ''
  const sections = sectionsOf(lookup, kind, namespace, ref.name)
  if (sections === undefined) {
    const advice = didYouMean(ref.name, lookup.names(kind, namespace)) ?? elsewhere(lookup, kind, ref.name)
    const message = `${kind} ${namespace}/${ref.name} not found`
    return { ref, path, target: undefined, problem: missing('name', message, advice) }
  }
  const target: PolicyTarget = { kind, namespace, name: ref.name, section: ref.sectionName }
  if (ref.sectionName === undefined || sections.includes(ref.sectionName)) {
    return { ref, path, target, problem: undefined }
  }
  const message = `${kind} ${namespace}/${ref.name} has no ${SECTION_WORDS[kind]} named '${ref.sectionName}'`
  const problem = missing('sectionName', message, didYouMean(ref.sectionName, sections))
  return { ref, path, target, problem }
}

const SECTION_WORDS: { readonly [K in TargetKind]: string } = {
  Gateway: 'listener',
  HTTPRoute: 'rule',
  Backend: 'section',
}

function targetKind({ group, kind }: TrafficPolicyTargetRef): TargetKind | undefined {
  return KINDS.find((one) => one === kind && TARGET_GROUPS[one] === group)
}

const KINDS = Object.keys(TARGET_GROUPS) as readonly TargetKind[]

function kindAdvice({ kind }: TrafficPolicyTargetRef): string {
  const namesake = KINDS.find((one) => one === kind)
  if (namesake !== undefined) return `the group of ${namesake} is ${TARGET_GROUPS[namesake]}`
  return didYouMean(kind, KINDS) ?? `known are Gateway and HTTPRoute of ${GATEWAY_API_GROUP}, Backend of ${WEIR_GROUP}`
}

/** Names of an object's sections; undefined when there is no such object. */
function sectionsOf(lookup: Lookup, kind: TargetKind, namespace: string, name: string): readonly string[] | undefined {
  switch (kind) {
    case 'Gateway':
      return lookup.find(kind, namespace, name)?.spec?.listeners.map((listener) => listener.name)
    case 'HTTPRoute': {
      const route = lookup.find(kind, namespace, name)
      return route && (route.spec?.rules ?? []).flatMap((rule) => rule.name ?? [])
    }
    case 'Backend':
      return lookup.find(kind, namespace, name) && []
  }
}

/** The usual slip: the target is there, in another namespace. */
function elsewhere(lookup: Lookup, kind: TargetKind, name: string): string | undefined {
  const other = lookup.all(kind).find(({ metadata }) => metadata.name === name)
  return other === undefined ? undefined : `there is ${fullName(other)}: a policy works in its own namespace alone`
}
