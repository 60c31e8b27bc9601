import { rule, type Schema } from '../schema.ts'
import { group, hostname, kind, label, objectName, preciseHostname, subdomain, textMap } from './names.ts'

/** ReferenceGrant and BackendTLSPolicy (gateway.networking.k8s.io, release 1.6). */

export const referenceGrant: Schema = {
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['from', 'to'],
      properties: {
        from: {
          type: 'array',
          minItems: 1,
          maxItems: 16,
          items: {
            type: 'object',
            required: ['group', 'kind', 'namespace'],
            properties: { group, kind, namespace: label },
          },
        },
        to: {
          type: 'array',
          minItems: 1,
          maxItems: 16,
          items: { type: 'object', required: ['group', 'kind'], properties: { group, kind, name: objectName } },
        },
      },
    },
  },
}

interface TargetShape {
  readonly group: string
  readonly kind: string
  readonly name: string
  readonly sectionName?: string
}

const targetRefs: Schema = {
  type: 'array',
  minItems: 1,
  maxItems: 16,
  items: {
    type: 'object',
    required: ['group', 'kind', 'name'],
    properties: { group, kind, name: objectName, sectionName: subdomain },
  },
  rules: [
    rule<readonly TargetShape[]>('names a target twice: each needs a sectionName of its own', (all) => {
      const sections = new Map<string, (string | undefined)[]>()
      for (const { group: of, kind: what, name, sectionName } of all) {
        const target = JSON.stringify([of, what, name])
        sections.set(target, [...(sections.get(target) ?? []), sectionName])
      }
      return [...sections.values()].every(
        (names) => names.length === 1 || (!names.includes(undefined) && new Set(names).size === names.length),
      )
    }),
  ],
}

const subjectAltNames: Schema = {
  type: 'array',
  maxItems: 5,
  items: {
    type: 'object',
    required: ['type'],
    properties: {
      type: { type: 'string', enum: ['Hostname', 'URI'] },
      hostname,
      uri: {
        type: 'string',
        minLength: 1,
        maxLength: 253,
        pattern: '^[^:/?#]+://',
        patternMeaning: "an absolute URI: a scheme, '://' and the rest",
      },
    },
    rules: [
      rule<{ type: string; hostname?: string; uri?: string }>(
        "must have 'hostname' alone when the type is Hostname, 'uri' alone when it is URI",
        ({ type, hostname: host, uri }) =>
          type === 'Hostname' ? host !== undefined && uri === undefined : uri !== undefined && host === undefined,
      ),
    ],
  },
}

interface ValidationShape {
  readonly caCertificateRefs?: readonly unknown[]
  readonly wellKnownCACertificates?: string
}

export const backendTlsPolicy: Schema = {
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['targetRefs', 'validation'],
      properties: {
        targetRefs,
        options: textMap(16, 4096),
        validation: {
          type: 'object',
          required: ['hostname'],
          properties: {
            hostname: preciseHostname,
            caCertificateRefs: {
              type: 'array',
              maxItems: 8,
              items: {
                type: 'object',
                required: ['group', 'kind', 'name'],
                properties: { group, kind, name: objectName },
              },
            },
            wellKnownCACertificates: {
              type: 'string',
              minLength: 1,
              maxLength: 253,
              pattern:
                '^(System|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])$',
              patternMeaning: 'System, or a domain, a slash and a name',
            },
            subjectAltNames,
          },
          rules: [
            rule<ValidationShape>(
              "must have exactly one of 'caCertificateRefs' and 'wellKnownCACertificates'",
              ({ caCertificateRefs = [], wellKnownCACertificates }) =>
                caCertificateRefs.length > 0 !== (wellKnownCACertificates !== undefined),
            ),
          ],
        },
      },
    },
  },
}
