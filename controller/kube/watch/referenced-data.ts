import { CONTROLLER_NAME, GATEWAY_API_GROUP, WEIR_GROUP } from '../../../contract/names.ts'
import type { AuthToken, Backend } from '../../api/backend.ts'
import type { BackendTlsPolicy } from '../../api/backend-tls-policy.ts'
import type { Gateway } from '../../api/gateway.ts'
import type { GatewayClass } from '../../api/gateway-class.ts'
import type { GatewayParameters } from '../../api/gateway-parameters.ts'
import type { KubeObject } from '../../api/inventory.ts'
import type { ReferenceGrant } from '../../api/reference-grant.ts'

/** A Secret or ConfigMap whose data is needed. */
export interface DataRef {
  readonly kind: 'Secret' | 'ConfigMap'
  readonly namespace: string
  readonly name: string
}

/**
 * Which Secrets and ConfigMaps are referred to, each once: the tokens of Backends, the certificates of HTTPS listeners,
 * the CAs of BackendTLSPolicies, and the tracing ConfigMaps of Gateways. Of Gateways only those whose class is weir's
 * count, and across namespaces only what a ReferenceGrant permits: what is not named here is never read.
 */
export function referencedData(objects: readonly KubeObject[]): readonly DataRef[] {
  const of = <T extends KubeObject>(kind: string): readonly T[] =>
    objects.filter((object) => object.kind === kind) as unknown as readonly T[]
  const grants = of<ReferenceGrant>('ReferenceGrant')
  const parameters = new Map(of<GatewayParameters>('GatewayParameters').map((one) => [nameOf(one), one]))
  const classes = new Map(
    of<GatewayClass>('GatewayClass')
      .filter(({ spec }) => spec?.controllerName === CONTROLLER_NAME)
      .map((one) => [one.metadata.name, one]),
  )
  const gateways = of<Gateway>('Gateway').flatMap((gateway) => {
    const ownClass = classes.get(gateway.spec?.gatewayClassName ?? '')
    return ownClass === undefined ? [] : { gateway, ownClass }
  })
  const refs = [
    ...of<Backend>('Backend').flatMap(tokenSecrets),
    ...gateways.flatMap(({ gateway }) => certificateSecrets(gateway, grants)),
    ...gateways.flatMap(({ gateway, ownClass }) => tracingConfigMap(gateway, ownClass, parameters)),
    ...of<BackendTlsPolicy>('BackendTLSPolicy').flatMap(authorities),
  ]
  return [...new Map(refs.map((ref) => [dataKey(ref), ref])).values()]
}

/** One text for one reference. */
export function dataKey({ kind, namespace, name }: DataRef): string {
  return `${kind}/${namespace}/${name}`
}

function nameOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

/** Every provider has its vendor's block, and that its token: the vendors need no names here. */
function tokenSecrets({ metadata, spec }: Backend): readonly DataRef[] {
  const { llm, priorityGroups = [] } = spec?.ai ?? {}
  const providers: readonly object[] = [
    ...(llm === undefined ? [] : [llm]),
    ...priorityGroups.flatMap((group) => group.providers),
  ]
  return providers
    .flatMap((provider) => Object.values(provider) as unknown[])
    .flatMap((block) => (block as { readonly authToken?: AuthToken } | null)?.authToken ?? [])
    .flatMap(({ kind, secretRef }) =>
      kind === 'SecretRef' ? referenceTo('Secret', metadata.namespace, secretRef?.name) : [],
    )
}

function certificateSecrets(gateway: Gateway, grants: readonly ReferenceGrant[]): readonly DataRef[] {
  const own = gateway.metadata.namespace ?? ''
  return (gateway.spec?.listeners ?? [])
    .filter(({ protocol }) => protocol === 'HTTPS')
    .flatMap(({ tls }) => tls?.certificateRefs ?? [])
    .filter(({ group = '', kind = 'Secret' }) => group === '' && kind === 'Secret')
    .filter(({ namespace = own, name }) => namespace === own || isGranted(grants, own, namespace, name))
    .flatMap(({ namespace = own, name }) => referenceTo('Secret', namespace, name))
}

/** Whether one ReferenceGrant in the Secret's namespace lets Gateways of another namespace use it. */
function isGranted(grants: readonly ReferenceGrant[], from: string, namespace: string, name: string): boolean {
  return grants
    .filter((grant) => grant.metadata.namespace === namespace)
    .some(
      ({ spec }) =>
        spec?.from.some(
          (one) => one.group === GATEWAY_API_GROUP && one.kind === 'Gateway' && one.namespace === from,
        ) === true &&
        spec.to.some(
          (one) => one.group === '' && one.kind === 'Secret' && ((one.name ?? '') === '' || one.name === name),
        ),
    )
}

/** Named by the Gateway's own parameters or else by its class's; it stands in the Gateway's namespace. */
function tracingConfigMap(
  { metadata, spec }: Gateway,
  ownClass: GatewayClass,
  parameters: ReadonlyMap<string, GatewayParameters>,
): readonly DataRef[] {
  const ofClass = ownClass.spec?.parametersRef
  const follow = (ref: ParametersRef | undefined, namespace: string | undefined): string | undefined => {
    if (ref === undefined || ref.group !== WEIR_GROUP || ref.kind !== 'GatewayParameters') return undefined
    const name = parameters.get(`${namespace ?? ''}/${ref.name}`)?.spec?.kube?.agentgateway?.customConfigMapName
    return name === '' ? undefined : name
  }
  const name = follow(spec?.infrastructure?.parametersRef, metadata.namespace) ?? follow(ofClass, ofClass?.namespace)
  return referenceTo('ConfigMap', metadata.namespace, name)
}

interface ParametersRef {
  readonly group: string
  readonly kind: string
  readonly name: string
}

function authorities({ metadata, spec }: BackendTlsPolicy): readonly DataRef[] {
  return (spec?.validation.caCertificateRefs ?? [])
    .filter(({ group, kind }) => group === '' && kind === 'ConfigMap')
    .flatMap(({ name }) => referenceTo('ConfigMap', metadata.namespace, name))
}

function referenceTo(
  kind: DataRef['kind'],
  namespace: string | undefined,
  name: string | undefined,
): readonly DataRef[] {
  return namespace === undefined || name === undefined || name === '' ? [] : [{ kind, namespace, name }]
}
