import type { GatewayParameters, ImageParameters, KubeParameters } from '../../api/gateway-parameters.ts'
import type { Problem } from '../../api/problem.ts'
import { problemAt } from '../findings.ts'

/** Parts of `spec.kube` that are there for gateways on Envoy. */
const ENVOY_PARTS: readonly string[] = ['envoyContainer', 'sdsContainer', 'istio', 'stats', 'aiExtension']

/** Images of products that take the same resources; weir's pods cannot be made of them. */
const OTHER_PRODUCTS: readonly string[] = ['agentgateway', 'envoy', 'envoy-wrapper', 'kgateway', 'kgateway-dev', 'sds']

const NO_EFFECT = 'not supported: no effect'

/** The warnings for documented fields of GatewayParameters that weir accepts and does not follow. */
export function unsupportedParameters(parameters: GatewayParameters): readonly Problem[] {
  const kube: KubeParameters = parameters.spec?.kube ?? {}
  const warning = (field: string, message: string, advice?: string): Problem =>
    problemAt(parameters, `spec.kube.${field}`, 'NotSupported', message, { severity: 'warning', advice })
  const { service, agentgateway } = kube
  return [
    ...ENVOY_PARTS.filter((part) => Object.hasOwn(kube, part)).map((part) =>
      warning(part, NO_EFFECT, 'it is for gateways on Envoy'),
    ),
    ...(service?.type === 'ExternalName'
      ? [warning('service.type', NO_EFFECT, 'a gateway has pods: LoadBalancer is used')]
      : []),
    ...(agentgateway?.enabled === false
      ? [warning('agentgateway.enabled', NO_EFFECT, 'the class of a Gateway decides who serves it')]
      : []),
    ...(isOtherProduct(agentgateway?.image)
      ? [
          warning(
            'agentgateway.image',
            "the image of another product: weir's own is used",
            'name only a registry to pull from a mirror, and a repository whose name is not another product',
          ),
        ]
      : []),
  ]
}

/** The parameters without what {@link unsupportedParameters} warns of, as far as it would reach a pod or a Service. */
export function supportedOnly(kube: KubeParameters): KubeParameters {
  const { agentgateway, service, ...others } = kube
  return {
    ...others,
    ...(service === undefined ? {} : { service: service.type === 'ExternalName' ? without(service, 'type') : service }),
    ...(agentgateway === undefined
      ? {}
      : { agentgateway: isOtherProduct(agentgateway.image) ? ownImage(agentgateway) : agentgateway }),
  }
}

function isOtherProduct(image: ImageParameters | undefined): boolean {
  const path = `${image?.registry ?? ''}/${image?.repository ?? ''}`.split('/')
  return path.some((part) => OTHER_PRODUCTS.includes(part))
}

/** When to pull is no matter of whose image it is. */
function ownImage<T extends { readonly image?: ImageParameters }>(container: T): Omit<T, 'image'> {
  const { pullPolicy } = container.image ?? {}
  return pullPolicy === undefined ? without(container, 'image') : { ...container, image: { pullPolicy } }
}

function without<T extends object, K extends keyof T>(holder: T, field: K): Omit<T, K> {
  const { [field]: _left, ...others } = holder
  return others
}
