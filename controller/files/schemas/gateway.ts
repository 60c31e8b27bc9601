import { isIP } from 'node:net'
import { GATEWAY_API_GROUP } from '../../../contract/names.ts'
import { rule, type Schema } from '../schema.ts'
import {
  annotations,
  group,
  hostname,
  kind,
  label,
  labelSelector,
  labels,
  objectName,
  port,
  subdomain,
  textMap,
} from './names.ts'

/** Gateway and GatewayClass (gateway.networking.k8s.io/v1, release 1.6), with the experimental channel's fields. */

const parametersRef = { group, kind, name: objectName }

export const gatewayClass: Schema = {
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['controllerName'],
      properties: {
        controllerName: {
          type: 'string',
          minLength: 1,
          maxLength: 253,
          pattern:
            "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$",
          patternMeaning: "a DNS name, '/' and a path",
        },
        description: { type: 'string', maxLength: 64 },
        parametersRef: {
          type: 'object',
          required: ['group', 'kind', 'name'],
          properties: { ...parametersRef, namespace: label },
        },
      },
    },
  },
}

/** Which namespaces something is allowed from. */
function namespaces(from: readonly string[], byDefault: string): Schema {
  return {
    type: 'object',
    default: { from: byDefault },
    properties: { from: { type: 'string', enum: from, default: byDefault }, selector: labelSelector },
  }
}

const allowedRoutes: Schema = {
  type: 'object',
  default: { namespaces: { from: 'Same' } },
  properties: {
    namespaces: namespaces(['All', 'Selector', 'Same'], 'Same'),
    kinds: {
      type: 'array',
      maxItems: 8,
      items: {
        type: 'object',
        required: ['kind'],
        properties: { group: { ...group, default: GATEWAY_API_GROUP }, kind },
      },
    },
  },
}

const secretRef: Schema = {
  type: 'object',
  required: ['name'],
  properties: {
    group: { ...group, default: '' },
    kind: { ...kind, default: 'Secret' },
    name: objectName,
    namespace: label,
  },
}

const listenerTls: Schema = {
  type: 'object',
  properties: {
    mode: { type: 'string', enum: ['Terminate', 'Passthrough'], default: 'Terminate' },
    certificateRefs: { type: 'array', maxItems: 64, items: secretRef },
    options: textMap(16, 4096),
  },
  rules: [
    rule<{ mode: string; certificateRefs?: readonly unknown[]; options?: object }>(
      'is missing: mode Terminate needs a certificate (or options)',
      ({ mode, certificateRefs = [], options = {} }) =>
        mode !== 'Terminate' || certificateRefs.length > 0 || Object.keys(options).length > 0,
      { fieldPath: ['certificateRefs'] },
    ),
  ],
}

interface ListenerShape {
  readonly name: string
  readonly port: number
  readonly protocol: string
  readonly hostname?: string
  readonly tls?: { readonly mode: string }
}

const listener: Schema = {
  type: 'object',
  required: ['name', 'port', 'protocol'],
  properties: {
    name: subdomain,
    hostname,
    port,
    protocol: {
      type: 'string',
      minLength: 1,
      maxLength: 255,
      pattern:
        '^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[A-Za-z0-9]+$',
      patternMeaning: 'HTTP, HTTPS, TLS, TCP, UDP, or a domain, a slash and a name',
    },
    tls: listenerTls,
    allowedRoutes,
  },
  rules: [
    rule<ListenerShape>(
      'must not be given for protocols HTTP, TCP and UDP',
      ({ protocol, tls }) => tls === undefined || !['HTTP', 'TCP', 'UDP'].includes(protocol),
      { fieldPath: ['tls'] },
    ),
    rule<ListenerShape>(
      'must be Terminate for protocol HTTPS',
      ({ protocol, tls }) => protocol !== 'HTTPS' || tls === undefined || tls.mode === 'Terminate',
      { fieldPath: ['tls', 'mode'] },
    ),
    rule<ListenerShape>(
      'must be given for protocol TLS',
      ({ protocol, tls }) => protocol !== 'TLS' || tls !== undefined,
      {
        fieldPath: ['tls'],
      },
    ),
    rule<ListenerShape>(
      'must not be given for protocols TCP and UDP',
      ({ protocol, hostname: host }) => host === undefined || !['TCP', 'UDP'].includes(protocol),
      { fieldPath: ['hostname'] },
    ),
  ],
}

const listeners: Schema = {
  type: 'array',
  minItems: 1,
  maxItems: 64,
  listType: 'map',
  listMapKeys: ['name'],
  items: listener,
  rules: [
    rule<readonly ListenerShape[]>('has two items with the same port, protocol and hostname', (all) => {
      const places = all.map(({ port: number, protocol, hostname: host }) => JSON.stringify([number, protocol, host]))
      return new Set(places).size === places.length
    }),
  ],
}

interface AddressShape {
  readonly type: string
  readonly value?: string
}

/** Of the other types, the standard lets one value stand several times. */
const UNIQUE_ADDRESSES: readonly string[] = ['IPAddress', 'Hostname']

const addresses: Schema = {
  type: 'array',
  maxItems: 16,
  items: {
    type: 'object',
    properties: {
      type: {
        type: 'string',
        minLength: 1,
        maxLength: 253,
        default: 'IPAddress',
        pattern:
          "^(Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+)$",
        patternMeaning: 'IPAddress, Hostname, NamedAddress, or a domain, a slash and a path',
      },
      value: { type: 'string', maxLength: 253 },
    },
    rules: [
      rule<AddressShape>(
        'must be an IP address for type IPAddress',
        ({ type, value = '' }) => type !== 'IPAddress' || value === '' || isIP(value) !== 0,
        { fieldPath: ['value'] },
      ),
    ],
  },
  rules: [
    rule<readonly AddressShape[]>('has the same address twice', (all) => {
      const values = all.flatMap(({ type, value }) =>
        value === undefined || !UNIQUE_ADDRESSES.includes(type) ? [] : `${type} ${value}`,
      )
      return new Set(values).size === values.length
    }),
  ],
}

const clientValidation: Schema = {
  type: 'object',
  properties: {
    validation: {
      type: 'object',
      required: ['caCertificateRefs'],
      properties: {
        mode: { type: 'string', enum: ['AllowValidOnly', 'AllowInsecureFallback'], default: 'AllowValidOnly' },
        caCertificateRefs: {
          type: 'array',
          minItems: 1,
          maxItems: 16,
          items: {
            type: 'object',
            required: ['group', 'kind', 'name'],
            properties: { group, kind, name: objectName, namespace: label },
          },
        },
      },
    },
  },
}

const gatewayTls: Schema = {
  type: 'object',
  properties: {
    backend: { type: 'object', properties: { clientCertificateRef: secretRef } },
    frontend: {
      type: 'object',
      required: ['default'],
      properties: {
        default: clientValidation,
        perPort: {
          type: 'array',
          maxItems: 64,
          listType: 'map',
          listMapKeys: ['port'],
          items: { type: 'object', required: ['port', 'tls'], properties: { port, tls: clientValidation } },
        },
      },
    },
  },
}

export const gateway: Schema = {
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['gatewayClassName', 'listeners'],
      properties: {
        gatewayClassName: objectName,
        listeners,
        addresses,
        infrastructure: {
          type: 'object',
          properties: {
            labels: { ...labels, maxProperties: 8 },
            annotations: { ...annotations, maxProperties: 16 },
            parametersRef: { type: 'object', required: ['group', 'kind', 'name'], properties: parametersRef },
          },
        },
        allowedListeners: {
          type: 'object',
          properties: { namespaces: namespaces(['All', 'Selector', 'Same', 'None'], 'None') },
        },
        tls: gatewayTls,
        defaultScope: { type: 'string', enum: ['All', 'None'] },
      },
    },
  },
}
