import { WEIR_GROUP } from '../../../contract/names.ts'
import { didYouMean } from '../../../contract/nearest.ts'
import type { GatewayParameters, KubeParameters } from '../../api/gateway-parameters.ts'
import type { KubeObject } from '../../api/inventory.ts'
import type { Problem } from '../../api/problem.ts'
import { problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { supportedOnly } from './unsupported-parameters.ts'

const KIND = 'GatewayParameters'

/** A `parametersRef` that was followed: the object, or why there is none. */
export type FollowedParameters =
  | { readonly ok: true; readonly parameters: GatewayParameters | undefined }
  | { readonly ok: false; readonly problem: Problem }

/**
 * Follows the `parametersRef` of a Gateway or a GatewayClass.
 * @param path of the reference in `holder`
 * @param namespace where the parameters must be; undefined: the reference fails to say
 */
export function followParameters(
  lookup: Lookup,
  holder: KubeObject,
  path: string,
  ref: { readonly group: string; readonly kind: string; readonly name: string } | undefined,
  namespace: string | undefined,
): FollowedParameters {
  if (ref === undefined) return { ok: true, parameters: undefined }
  const invalid = (field: string, message: string, advice?: string): FollowedParameters => ({
    ok: false,
    problem: problemAt(holder, `${path}.${field}`, 'InvalidParameters', message, { advice }),
  })
  if (ref.group !== WEIR_GROUP) return invalid('group', `unknown group '${ref.group}'`, `the group is ${WEIR_GROUP}`)
  if (ref.kind !== KIND) return invalid('kind', `unknown kind '${ref.kind}'`, `the kind is ${KIND}`)
  if (namespace === undefined) return invalid('namespace', `${KIND} have a namespace, which the reference must name`)
  const parameters = lookup.find(KIND, namespace, ref.name)
  if (parameters !== undefined) return { ok: true, parameters }
  const advice = didYouMean(ref.name, lookup.names(KIND, namespace))
  return invalid('name', `${KIND} ${namespace}/${ref.name} not found`, advice)
}

/** What class and Gateway parameters say together. */
export interface MergedParameters {
  /** Merged `spec.kube`, of what is supported; undefined when neither has one, or for selfManaged. */
  readonly kube: KubeParameters | undefined
  readonly selfManaged: boolean
  /** The tracing ConfigMap, in the Gateway's namespace. */
  readonly configMapName: string | undefined
  /** Who names the ConfigMap: the Gateway's parameters before the class's. */
  readonly namedBy: { readonly parameters: GatewayParameters; readonly path: string } | undefined
}

/**
 * What Kubernetes takes as one of several forms: fields of two forms side by side would be refused, so that these maps
 * are replaced like values.
 */
const WHOLE: readonly string[] = [
  'deployment.strategy',
  'podTemplate.readinessProbe',
  'podTemplate.livenessProbe',
  'podTemplate.startupProbe',
  'podDisruptionBudget',
]

/** The Gateway's parameters laid over its class's: maps are merged field by field, everything else is replaced. */
export function mergeParameters(
  ofClass: GatewayParameters | undefined,
  ofGateway: GatewayParameters | undefined,
): MergedParameters {
  const selfManaged = (ofGateway ?? ofClass)?.spec?.selfManaged !== undefined
  const kube = selfManaged
    ? undefined
    : (merged(ofClass?.spec?.kube, ofGateway?.spec?.kube, '') as KubeParameters | undefined)
  // The class may name the ConfigMap of Gateways that somebody else deploys: telemetry is the data plane's own.
  const namer = [ofGateway, ofClass].find((one) => configMapNameOf(one) !== undefined)
  return {
    kube: kube && supportedOnly(kube),
    selfManaged,
    configMapName: configMapNameOf(namer),
    namedBy:
      namer === undefined ? undefined : { parameters: namer, path: 'spec.kube.agentgateway.customConfigMapName' },
  }
}

function configMapNameOf(parameters: GatewayParameters | undefined): string | undefined {
  const name = parameters?.spec?.kube?.agentgateway?.customConfigMapName
  return name === '' ? undefined : name
}

/** @param path of both, below `spec.kube` */
function merged(under: unknown, over: unknown, path: string): unknown {
  if (over === undefined) return under
  if (!isMap(under) || !isMap(over) || WHOLE.includes(path)) return over
  const keys = new Set([...Object.keys(under), ...Object.keys(over)])
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`)
  return Object.fromEntries([...keys].map((key) => [key, merged(under[key], over[key], below(key))]))
}

function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
