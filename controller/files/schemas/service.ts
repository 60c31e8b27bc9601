import { rule, type Schema } from '../schema.ts'
import { isAddress } from './ip-address.ts'
import { anything, label, port, qualifiedName, subdomain } from './names.ts'

/**
 * Service (v1): as an API server checks a new one, without the allocation of addresses, which depends on the cluster.
 * Of the fields that weir never reads, only the types are checked.
 */

/** The transport protocol of a port, of a Service or an EndpointSlice. */
export const transport: Schema = { type: 'string', enum: ['TCP', 'UDP', 'SCTP'], default: 'TCP' }

const servicePort: Schema = {
  type: 'object',
  required: ['port'],
  properties: {
    name: { ...label, emptyMeansAbsent: true },
    protocol: { ...transport, emptyMeansAbsent: true },
    appProtocol: qualifiedName,
    port,
    targetPort: { intOrString: true },
    nodePort: { type: 'integer', minimum: 0, maximum: 65535 },
  },
}

interface ServiceShape {
  readonly type: string
  readonly clusterIP?: string
  readonly externalName?: string
  readonly ipFamilies?: readonly ('IPv4' | 'IPv6')[]
  readonly ipFamilyPolicy?: string
  readonly ports?: readonly { readonly name?: string }[]
  readonly selector?: object
}

const portRules = [
  rule<ServiceShape>(
    'must have at least 1 item',
    ({ type, clusterIP, ports = [] }) => ports.length > 0 || type === 'ExternalName' || clusterIP === 'None',
    { fieldPath: ['ports'] },
  ),
  rule<ServiceShape>(
    'needs a name for each port when there are several',
    ({ ports = [] }) => ports.length < 2 || ports.every(({ name }) => name !== undefined),
    { fieldPath: ['ports'] },
  ),
  rule<ServiceShape>(
    'has two ports of the same name',
    ({ ports = [] }) => {
      const names = ports.flatMap(({ name }) => name ?? [])
      return new Set(names).size === names.length
    },
    { fieldPath: ['ports'] },
  ),
]

const HOST = new RegExp(`${subdomain.pattern}`)

/** With or without a dot at the end, as DNS writes names that are complete. */
function isHost(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  return name.length <= 253 && HOST.test(name)
}

const externalNameRules = [
  rule<ServiceShape>(
    'is missing: a Service of type ExternalName names a host',
    ({ type, externalName }) => type !== 'ExternalName' || externalName !== undefined,
    { fieldPath: ['externalName'] },
  ),
  rule<ServiceShape>(
    'must be a lower-case DNS name without port',
    ({ type, externalName }) => type !== 'ExternalName' || externalName === undefined || isHost(externalName),
    { fieldPath: ['externalName'] },
  ),
  ...(['clusterIP', 'ipFamilies', 'ipFamilyPolicy'] as const).map((field) =>
    rule<ServiceShape>(
      'must not be given for type ExternalName',
      ({ type, [field]: given = [] }) => type !== 'ExternalName' || given.length === 0,
      { fieldPath: [field] },
    ),
  ),
]

const FAMILIES = ['IPv4', 'IPv6'] as const

const addressRules = [
  rule<ServiceShape>(
    'must not be None for types NodePort and LoadBalancer',
    ({ type, clusterIP }) => clusterIP !== 'None' || !['NodePort', 'LoadBalancer'].includes(type),
    { fieldPath: ['clusterIP'] },
  ),
  rule<ServiceShape>(
    "must be an address of the first of the 'ipFamilies'",
    ({ clusterIP = 'None', ipFamilies: [first] = [] }) =>
      clusterIP === 'None' || first === undefined || isAddress(clusterIP, first),
    { fieldPath: ['clusterIP'] },
  ),
  rule<ServiceShape>(
    "must be PreferDualStack or RequireDualStack when there are two 'ipFamilies'",
    ({ ipFamilies = [], ipFamilyPolicy, clusterIP, selector = {} }) => {
      // A headless Service without a selector is dual-stack by default.
      const isDual = clusterIP === 'None' && Object.keys(selector).length === 0
      return ipFamilies.length < 2 || (ipFamilyPolicy ?? (isDual ? '' : 'SingleStack')) !== 'SingleStack'
    },
    { fieldPath: ['ipFamilyPolicy'] },
  ),
]

const clusterIP: Schema = {
  type: 'string',
  emptyMeansAbsent: true,
  rules: [
    rule<string>(
      'must be an IP address, or None',
      (text) => text === 'None' || FAMILIES.some((family) => isAddress(text, family)),
    ),
  ],
}

export const service: Schema = {
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      properties: {
        type: {
          type: 'string',
          enum: ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'],
          default: 'ClusterIP',
          emptyMeansAbsent: true,
        },
        clusterIP,
        clusterIPs: { type: 'array', items: { type: 'string' } },
        externalName: { type: 'string', emptyMeansAbsent: true },
        externalIPs: { type: 'array', items: { type: 'string' } },
        ports: { type: 'array', listType: 'map', listMapKeys: ['port', 'protocol'], items: servicePort },
        selector: { type: 'object', additionalProperties: { type: 'string' } },
        ipFamilies: { type: 'array', listType: 'set', items: { type: 'string', enum: FAMILIES } },
        ipFamilyPolicy: { type: 'string', enum: ['SingleStack', 'PreferDualStack', 'RequireDualStack'] },
        allocateLoadBalancerNodePorts: { type: 'boolean' },
        externalTrafficPolicy: { type: 'string' },
        internalTrafficPolicy: { type: 'string' },
        healthCheckNodePort: { type: 'integer' },
        loadBalancerClass: { type: 'string' },
        loadBalancerIP: { type: 'string' },
        loadBalancerSourceRanges: { type: 'array', items: { type: 'string' } },
        publishNotReadyAddresses: { type: 'boolean' },
        sessionAffinity: { type: 'string', enum: ['None', 'ClientIP'], default: 'None' },
        sessionAffinityConfig: anything,
        trafficDistribution: { type: 'string' },
      },
      rules: [...portRules, ...externalNameRules, ...addressRules],
    },
  },
}
