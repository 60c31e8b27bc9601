import { GATEWAY_API_GROUP } from '../../../contract/names.ts'
import type { Gateway, GatewayListener, LabelSelector } from '../../api/gateway.ts'
import type { Problem } from '../../api/problem.ts'
import { problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'

/** A kind of route, as `supportedKinds` names it. */
export interface RouteKind {
  readonly group: string
  readonly kind: string
}

/** The route kinds that weir serves on HTTP and HTTPS listeners. */
const HTTP_KINDS: readonly RouteKind[] = [{ group: GATEWAY_API_GROUP, kind: 'HTTPRoute' }]

/** The kinds of routes that a listener takes: what `allowedRoutes.kinds` asks for, as far as the protocol has it. */
export function supportedKinds(
  gateway: Gateway,
  listener: GatewayListener,
  path: string,
): { readonly kinds: readonly RouteKind[]; readonly problems: readonly Problem[] } {
  const asked = listener.allowedRoutes?.kinds ?? []
  if (asked.length === 0) return { kinds: HTTP_KINDS, problems: [] }
  const fits = (kind: RouteKind, { group = GATEWAY_API_GROUP, kind: name }: (typeof asked)[number]): boolean =>
    kind.group === group && kind.kind === name
  const problems = asked.flatMap((entry, index) =>
    HTTP_KINDS.some((kind) => fits(kind, entry))
      ? []
      : problemAt(
          gateway,
          `${path}.allowedRoutes.kinds[${index}]`,
          'ListenerInvalidRouteKinds',
          `${listener.protocol} listeners take no routes of kind '${entry.kind}' in group '${entry.group ?? GATEWAY_API_GROUP}'`,
          { advice: 'HTTPRoute is the one that is supported' },
        ),
  )
  return { kinds: HTTP_KINDS.filter((kind) => asked.some((entry) => fits(kind, entry))), problems }
}

/** Whether a listener takes routes from a namespace. */
export function allowsNamespace(
  lookup: Lookup,
  gateway: Gateway,
  listener: GatewayListener,
  namespace: string,
): boolean {
  const { from = 'Same', selector } = listener.allowedRoutes?.namespaces ?? {}
  switch (from) {
    case 'All':
      return true
    case 'Same':
      return namespace === gateway.metadata.namespace
    case 'Selector':
      return selector !== undefined && selects(selector, labelsOf(lookup, namespace))
    default:
      return false
  }
}

/** A namespace's labels. The API server gives each its name as a label; in files even the object may be missing. */
function labelsOf(lookup: Lookup, namespace: string): { readonly [key: string]: string } {
  const labels = lookup.find('Namespace', '', namespace)?.metadata.labels
  return { ...labels, 'kubernetes.io/metadata.name': namespace }
}

function selects(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: { readonly [key: string]: string },
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((expression) => holds(expression, labels[expression.key]))
  )
}

/** One requirement of a label selector, as Kubernetes has it: NotIn holds for a label that is not there. */
function holds(
  { operator, values = [] }: NonNullable<LabelSelector['matchExpressions']>[number],
  value: string | undefined,
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      return false
  }
}
