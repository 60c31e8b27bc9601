import { rule, type Schema } from '../schema.ts'
import { anything, labels, objectName, port } from './names.ts'

/** The core kinds that weir reads: Secret, ConfigMap, Namespace, Service, and discovery.k8s.io's EndpointSlice. */

const dataKeys = {
  keyPattern: '^[-._a-zA-Z0-9]{1,253}$',
  keyMeaning: "letters, digits, '-', '_' and '.', at most 253",
} as const

/** An API server's limit for the values of one Secret or ConfigMap together. */
const MAX_DATA_BYTES = 1024 * 1024

interface DataHolder {
  readonly type?: string
  readonly data?: { readonly [key: string]: string }
  readonly stringData?: { readonly [key: string]: string }
  readonly binaryData?: { readonly [key: string]: string }
}

function dataBytes({ data, stringData, binaryData }: DataHolder): number {
  return [data, stringData, binaryData].reduce(
    (bytes, map) => Object.values(map ?? {}).reduce((sum, value) => sum + Buffer.byteLength(value), bytes),
    0,
  )
}

const base64: Schema = {
  type: 'string',
  rules: [rule<string>('is not base64', isBase64, { advice: "'stringData' takes plain text" })],
}

/** Line ends are allowed anywhere, as Go's decoder has it. */
function isBase64(text: string): boolean {
  const digits = text.replaceAll(/[\r\n]/g, '')
  return digits.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(digits)
}

export const secret: Schema = {
  properties: {
    type: { type: 'string', default: 'Opaque' },
    immutable: { type: 'boolean' },
    data: { type: 'object', ...dataKeys, additionalProperties: base64 },
    stringData: { type: 'object', ...dataKeys, additionalProperties: { type: 'string' } },
  },
  rules: [
    rule<DataHolder>(
      "needs the keys 'tls.crt' and 'tls.key' when the type is kubernetes.io/tls",
      ({ type, data, stringData }) =>
        type !== 'kubernetes.io/tls' ||
        ['tls.crt', 'tls.key'].every((key) => data?.[key] !== undefined || stringData?.[key] !== undefined),
      { fieldPath: ['data'] },
    ),
    rule<DataHolder>('holds more than 1 MiB', (self) => dataBytes(self) <= MAX_DATA_BYTES, { fieldPath: ['data'] }),
  ],
}

export const configMap: Schema = {
  properties: {
    immutable: { type: 'boolean' },
    data: { type: 'object', ...dataKeys, additionalProperties: { type: 'string' } },
    binaryData: { type: 'object', ...dataKeys, additionalProperties: base64 },
  },
  rules: [
    rule<DataHolder>(
      "has a key that is in 'data' too",
      ({ data = {}, binaryData = {} }) => Object.keys(binaryData).every((key) => !Object.hasOwn(data, key)),
      { fieldPath: ['binaryData'] },
    ),
    rule<DataHolder>('holds more than 1 MiB', (self) => dataBytes(self) <= MAX_DATA_BYTES, { fieldPath: ['data'] }),
  ],
}

export const namespace: Schema = {
  properties: { spec: { type: 'object', properties: { finalizers: { type: 'array', items: { type: 'string' } } } } },
}

const transport: Schema = { type: 'string', enum: ['TCP', 'UDP', 'SCTP'], default: 'TCP' }

const servicePort: Schema = {
  type: 'object',
  required: ['port'],
  properties: {
    name: { type: 'string' },
    protocol: transport,
    appProtocol: { type: 'string' },
    port,
    targetPort: { intOrString: true },
    nodePort: { type: 'integer', minimum: 0, maximum: 65535 },
  },
}

interface ServiceShape {
  readonly type: string
  readonly clusterIP?: string
  readonly externalName?: string
  readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol: string }[]
}

const serviceRules = [
  rule<ServiceShape>(
    'is missing: a Service of type ExternalName names a host',
    ({ type, externalName = '' }) => type !== 'ExternalName' || externalName !== '',
    { fieldPath: ['externalName'] },
  ),
  rule<ServiceShape>(
    'must have at least 1 item',
    ({ type, clusterIP, ports = [] }) => ports.length > 0 || type === 'ExternalName' || clusterIP === 'None',
    { fieldPath: ['ports'] },
  ),
  rule<ServiceShape>(
    'needs a name for each port when there are several',
    ({ ports = [] }) => ports.length < 2 || ports.every(({ name = '' }) => name !== ''),
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

export const service: Schema = {
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      properties: {
        type: { type: 'string', enum: ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'], default: 'ClusterIP' },
        clusterIP: { type: 'string' },
        clusterIPs: { type: 'array', items: { type: 'string' } },
        externalName: { type: 'string', maxLength: 253 },
        externalIPs: { type: 'array', items: { type: 'string' } },
        ports: { type: 'array', items: servicePort },
        selector: { type: 'object', additionalProperties: { type: 'string' } },
        ipFamilies: { type: 'array', items: { type: 'string', enum: ['IPv4', 'IPv6'] } },
        ipFamilyPolicy: { type: 'string' },
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
      rules: serviceRules,
    },
  },
}

export const endpointSlice: Schema = {
  required: ['addressType'],
  properties: {
    addressType: { type: 'string', enum: ['IPv4', 'IPv6', 'FQDN'] },
    endpoints: {
      type: 'array',
      maxItems: 1000,
      items: {
        type: 'object',
        required: ['addresses'],
        properties: {
          addresses: { type: 'array', minItems: 1, maxItems: 100, items: objectName },
          conditions: {
            type: 'object',
            properties: { ready: { type: 'boolean' }, serving: { type: 'boolean' }, terminating: { type: 'boolean' } },
          },
          hostname: { type: 'string' },
          nodeName: { type: 'string' },
          zone: { type: 'string' },
          targetRef: anything,
          hints: anything,
          deprecatedTopology: labels,
        },
      },
    },
    ports: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: { type: 'string', default: '' },
          protocol: transport,
          port,
          appProtocol: { type: 'string' },
        },
      },
    },
  },
}
