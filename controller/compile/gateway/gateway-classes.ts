import { CONTROLLER_NAME } from '../../../contract/names.ts'
import type { Gateway } from '../../api/gateway.ts'
import type { GatewayParameters } from '../../api/gateway-parameters.ts'
import type { Problem } from '../../api/problem.ts'
import type { GatewayClassStatus } from '../../api/status.ts'
import type { CompileSettings, Verdict } from '../../api/verdict.ts'
import { conditionFrom } from '../conditions.ts'
import { problemAt, refTo } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { followParameters } from './gateway-parameters.ts'

/** Features of the Gateway API conformance suite that run; the status of a GatewayClass lists exactly these. */
export const SUPPORTED_FEATURES: readonly string[] = [
  'BackendTLSPolicy',
  'BackendTLSPolicySANValidation',
  'Gateway',
  'GatewayHTTPListenerIsolation',
  'GatewayPort8080',
  'HTTPRoute',
  'HTTPRoute303RedirectStatusCode',
  'HTTPRoute307RedirectStatusCode',
  'HTTPRoute308RedirectStatusCode',
  'HTTPRouteBackendRequestHeaderModification',
  'HTTPRouteBackendTimeout',
  'HTTPRouteHostRewrite',
  'HTTPRouteMethodMatching',
  'HTTPRouteNamedRouteRule',
  'HTTPRouteParentRefPort',
  'HTTPRoutePathRedirect',
  'HTTPRoutePathRewrite',
  'HTTPRoutePortRedirect',
  'HTTPRouteQueryParamMatching',
  'HTTPRouteRequestTimeout',
  'HTTPRouteResponseHeaderModification',
  'HTTPRouteSchemeRedirect',
  'ReferenceGrant',
]

/** A class whose Gateways are weir's. */
export interface OwnClass {
  readonly name: string
  readonly parameters: GatewayParameters | undefined
  /** Its `parametersRef` leads nowhere: its Gateways get no new workload. */
  readonly invalid: Problem | undefined
}

/** What compile found about all GatewayClasses. */
export interface ClassFindings {
  /** By class name. */
  readonly own: ReadonlyMap<string, OwnClass>
  readonly verdicts: readonly Verdict[]
  readonly problems: readonly Problem[]
}

/**
 * Which classes are weir's: every GatewayClass with its controllerName, and those of the settings' implicit classes for
 * which no object is there. An object of that name with another controllerName takes the name away.
 */
export function findClasses(lookup: Lookup, settings: CompileSettings): ClassFindings {
  const own = new Map<string, OwnClass>()
  const verdicts: Verdict[] = []
  const problems: Problem[] = []
  for (const name of settings.implicitClasses) own.set(name, { name, parameters: undefined, invalid: undefined })
  for (const object of lookup.all('GatewayClass')) {
    const { name, generation } = object.metadata
    if (object.spec?.controllerName !== CONTROLLER_NAME) {
      own.delete(name)
      continue
    }
    const ref = object.spec.parametersRef
    const followed = followParameters(lookup, object, 'spec.parametersRef', ref, ref?.namespace)
    const found = followed.ok ? [] : [followed.problem]
    own.set(name, { name, parameters: followed.ok ? followed.parameters : undefined, invalid: found[0] })
    const status: GatewayClassStatus = {
      conditions: [
        conditionFrom('Accepted', generation, found, {
          reason: 'Accepted',
          message: 'GatewayClass is accepted by weir',
        }),
      ],
      supportedFeatures: SUPPORTED_FEATURES.map((feature) => ({ name: feature })),
    }
    verdicts.push({ at: refTo(object), generation, problems: found, status })
    problems.push(...found)
  }
  return { own, verdicts, problems }
}

/** The note for a Gateway whose class nobody has: where there is an object of that name, it is somebody else's. */
export function unknownClass(lookup: Lookup, own: ReadonlyMap<string, OwnClass>, gateway: Gateway): readonly Problem[] {
  const name = gateway.spec?.gatewayClassName ?? ''
  if (lookup.find('GatewayClass', '', name) !== undefined) return []
  return [
    problemAt(gateway, 'spec.gatewayClassName', 'NoEffect', `no GatewayClass '${name}': this Gateway is left alone`, {
      severity: 'warning',
      advice: `classes of weir: ${[...own.keys()].join(', ')}`,
    }),
  ]
}
