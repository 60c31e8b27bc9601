import type { Problem } from '../../api/problem.ts'
import type { TrafficPolicy, TrafficPolicyFields } from '../../api/traffic-policy.ts'
import { problemAt } from '../findings.ts'

/** One field of TrafficPolicy's spec. */
interface PolicyField {
  readonly path: string
  /** Why it has no effect: its part comes with a later release, or weir will not have it. */
  readonly without: 'later' | 'never'
  /** Where weir has what the field is for. */
  readonly advice?: string
}

/**
 * The fields that merge, each as a whole: half of one policy's `cors` beside half of another's would allow what nobody
 * wrote. `tracing.fields` merges by attribute and is not in this list.
 */
const MERGED: readonly PolicyField[] = [
  'cors',
  'jwtAuthentication',
  'rbac',
  'timeouts.request',
  'timeouts.firstByte',
  'timeouts.idle',
  'retry.attempts',
  'retry.codes',
  'retry.backoff',
  'retry.budget',
  'ai.promptEnrichment',
  'ai.defaults',
  'ai.overrides',
  'tracing.randomSampling',
  'tracing.clientSampling',
  'tracing.filter',
  'tracing.parenting',
  'tracing.content.capture',
  'tracing.content.maxBytes',
  'tracing.content.form',
  'tracing.content.redact',
  'tracing.content.headers',
].map((path) => ({ path, without: 'later' }))

/** The attributes that a policy adds or removes: each is a field of its own. */
const ATTRIBUTES: PolicyField = { path: 'tracing.fields', without: 'later' }

/** The documents' fields that weir will not have. */
const DOCUMENTED: readonly PolicyField[] = [
  { path: 'targetSelectors', without: 'never', advice: "name the targets in 'targetRefs'" },
  { path: 'timeouts.streamIdle', without: 'never', advice: "write 'idle'" },
  { path: 'retry.retryOn', without: 'never', advice: "write status codes in 'codes'" },
  { path: 'retry.perTryTimeout', without: 'never', advice: "write 'timeouts.backendRequest' in the HTTPRoute's rule" },
  { path: 'retry.statusCodes', without: 'never', advice: "write 'codes'" },
  { path: 'retry.backoffBaseInterval', without: 'never', advice: "write 'backoff'" },
  { path: 'ai.promptGuard', without: 'never' },
  { path: 'ai.promptCaching', without: 'never' },
  { path: 'ai.routeType', without: 'never', advice: "write 'spec.ai.routes' in the Backend" },
  { path: 'transformation', without: 'never' },
  { path: 'extAuth', without: 'never' },
  { path: 'extProc', without: 'never' },
  { path: 'rateLimit', without: 'never' },
  { path: 'csrf', without: 'never' },
  { path: 'headerModifiers', without: 'never', advice: "write a RequestHeaderModifier filter in the HTTPRoute's rule" },
  { path: 'autoHostRewrite', without: 'never', advice: "write a URLRewrite filter in the HTTPRoute's rule" },
  { path: 'buffer', without: 'never', advice: "write 'spec.ai.maxRequestBytes' in the Backend" },
]

/** What one attribute of `tracing.fields` is told: an expression, or to go, or both, which replaces a built-in one. */
interface AttributeChange {
  readonly add?: string
  readonly remove?: true
}

/**
 * One thing that a policy says, under the path by which it merges: `timeouts.request`,
 * `tracing.fields["gen_ai.system"]`.
 */
export interface PolicyStatement {
  readonly field: string
  readonly value: unknown
}

/** What a policy says, in the order of the table; two policies that share a `field` contradict each other in it. */
export function statementsOf({ spec = {} }: TrafficPolicy): readonly PolicyStatement[] {
  const plain = MERGED.flatMap(({ path }) => {
    const value = valueAt(spec, path)
    return value === undefined ? [] : [{ field: path, value }]
  })
  return [...plain, ...attributeStatements(spec)]
}

function attributeStatements({ tracing }: TrafficPolicyFields): readonly PolicyStatement[] {
  const { add = {}, remove = [] } = tracing?.fields ?? {}
  const changes = new Map<string, AttributeChange>()
  for (const [name, expression] of Object.entries(add)) changes.set(name, { add: expression })
  for (const name of remove) changes.set(name, { ...changes.get(name), remove: true })
  return [...changes].map(([name, value]) => ({ field: `${ATTRIBUTES.path}[${JSON.stringify(name)}]`, value }))
}

/** The fields that statements make together; of the same field the last one counts. */
export function fieldsOf(statements: Iterable<PolicyStatement>): TrafficPolicyFields {
  const fields: { [name: string]: unknown } = {}
  const attributes = new Map<string, AttributeChange>()
  for (const { field, value } of statements) {
    if (field.startsWith(`${ATTRIBUTES.path}[`)) attributes.set(attributeIn(field), value as AttributeChange)
    else setAt(fields, field, value)
  }
  if (attributes.size > 0) setAt(fields, ATTRIBUTES.path, attributeFields(attributes))
  return fields
}

function attributeIn(field: string): string {
  return JSON.parse(field.slice(ATTRIBUTES.path.length + 1, -1)) as string
}

function attributeFields(changes: ReadonlyMap<string, AttributeChange>): object {
  const add = [...changes].flatMap(([name, change]) => (change.add === undefined ? [] : [[name, change.add]]))
  const remove = [...changes].flatMap(([name, change]) => (change.remove === true ? [name] : []))
  return {
    ...(add.length === 0 ? {} : { add: Object.fromEntries(add) as object }),
    ...(remove.length === 0 ? {} : { remove }),
  }
}

/** One warning for each field that a policy has and that has no effect. */
export function unsupportedFields(policy: TrafficPolicy): readonly Problem[] {
  return [...MERGED, ATTRIBUTES, ...DOCUMENTED]
    .filter(({ path }) => valueAt(policy.spec ?? {}, path) !== undefined)
    .map(({ path, without, advice }) => {
      const message = without === 'later' ? 'not built yet: no effect' : 'weir does not have this: no effect'
      return problemAt(policy, `spec.${path}`, 'NotSupported', message, { severity: 'warning', advice })
    })
}

function valueAt(holder: object, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null ? (value as { readonly [name: string]: unknown })[name] : undefined,
      holder,
    )
}

function setAt(holder: { [name: string]: unknown }, path: string, value: unknown): void {
  const names = path.split('.')
  const last = names.pop() as string
  let inner = holder
  for (const name of names) {
    inner[name] ??= {}
    inner = inner[name] as { [name: string]: unknown }
  }
  inner[last] = value
}
