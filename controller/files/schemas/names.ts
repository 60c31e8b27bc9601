import type { Schema } from '../schema.ts'

/** Names and references that the Gateway API's and the core kinds' schemas are made of. */

const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'

/** RFC 1123 subdomain: what most objects may be called. */
export const subdomain: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 253,
  pattern: `^${SUBDOMAIN}$`,
  patternMeaning: "lower-case letters, digits, '-' and '.', with a letter or digit at either end of each part",
}

/** RFC 1123 label: a namespace, for instance. */
export const label: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 63,
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
  patternMeaning: "lower-case letters, digits and '-', with a letter or digit at either end",
}

/** A host name that may begin with `*.`; never an IP address, as the standard has it. */
export const hostname: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 253,
  pattern: `^(\\*\\.)?${SUBDOMAIN}$`,
  patternMeaning: "a lower-case DNS name without port, its first part '*' at most",
}

export const preciseHostname: Schema = {
  ...subdomain,
  patternMeaning: 'a lower-case DNS name without port or wildcard',
}

export const group: Schema = {
  type: 'string',
  maxLength: 253,
  pattern: `^$|^${SUBDOMAIN}$`,
  patternMeaning: 'an API group: a lower-case DNS name, or empty for the core group',
}

export const kind: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 63,
  pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$',
  patternMeaning: "a kind: letters, digits and '-'",
}

export const objectName: Schema = { type: 'string', minLength: 1, maxLength: 253 }

export const port: Schema = { type: 'integer', minimum: 1, maximum: 65535 }

/** GEP-2257: at most four parts. */
export const duration: Schema = {
  type: 'string',
  pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$',
  patternMeaning: "a duration such as '30s', '500ms' or '1m30s': whole numbers with h, m, s or ms, at most four",
}

/** The token of RFC 9110, 5.6.2, which is also what the standard allows as the name of a query parameter. */
export const headerName: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 256,
  pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$",
  patternMeaning: "a header name: letters, digits and !#$%&'*+-.^_`|~",
}

const LABEL_KEY = `^(?![^/]{254})(${SUBDOMAIN}/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`
const KEY_MEANING = "an optional DNS name and '/', then at most 63 letters, digits, '-', '_' and '.'"

export const labels: Schema = {
  type: 'object',
  keyPattern: LABEL_KEY,
  keyMeaning: KEY_MEANING,
  additionalProperties: {
    type: 'string',
    maxLength: 63,
    pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$',
    patternMeaning: "letters, digits, '-', '_' and '.', with a letter or digit at either end",
  },
}

export const annotations: Schema = {
  type: 'object',
  keyPattern: LABEL_KEY,
  keyMeaning: KEY_MEANING,
  additionalProperties: { type: 'string' },
}

/** A name with an optional DNS name before it, as the keys of labels have it: a port's appProtocol, for instance. */
export const qualifiedName: Schema = { type: 'string', pattern: LABEL_KEY, patternMeaning: KEY_MEANING }

/** A map of texts of a built-in kind, or of any kind's metadata, where null is the empty text. */
export function nullsAreEmpty(map: Schema): Schema {
  return { ...map, additionalProperties: { ...map.additionalProperties, nullMeans: '' } }
}

/** meta/v1 LabelSelector. */
export const labelSelector: Schema = {
  type: 'object',
  properties: {
    matchLabels: { type: 'object', additionalProperties: { type: 'string' } },
    matchExpressions: {
      type: 'array',
      items: {
        type: 'object',
        required: ['key', 'operator'],
        properties: {
          key: { type: 'string' },
          operator: { type: 'string', enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
          values: { type: 'array', items: { type: 'string' } },
        },
      },
    },
  },
}

/** A map of texts without further rules: `options`, for instance. */
export function textMap(maxProperties: number, maxLength: number): Schema {
  return { type: 'object', maxProperties, additionalProperties: { type: 'string', maxLength } }
}

/** A value whose fields are not checked, because weir does not read them. */
export const anything: Schema = { preserveUnknownFields: true }
