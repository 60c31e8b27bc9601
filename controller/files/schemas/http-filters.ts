import { type Rule, rule, type Schema } from '../schema.ts'
import { anything, duration, group, headerName, kind, label, objectName, port, preciseHostname } from './names.ts'

/** The filters of an HTTPRoute's rules and backendRefs (gateway.networking.k8s.io/v1, release 1.6). */

/**
 * RFC 9110, 5.5: what can be sent at all. The standard channel allows more (and a proxy would fail later), the
 * experimental one less.
 */
export const headerValue: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 4096,
  pattern: '^[\\t -~\\x80-\\xff]*$',
  patternMeaning: 'a header value: no line ends, no control characters, nothing beyond Latin-1',
}

const headers: Schema = {
  type: 'array',
  maxItems: 16,
  listType: 'map',
  listMapKeys: ['name'],
  items: { type: 'object', required: ['name', 'value'], properties: { name: headerName, value: headerValue } },
}

const headerModifier: Schema = {
  type: 'object',
  properties: {
    set: headers,
    add: headers,
    remove: { type: 'array', maxItems: 16, listType: 'set', items: { type: 'string' } },
  },
}

interface PathModifierShape {
  readonly type: string
  readonly replaceFullPath?: string
  readonly replacePrefixMatch?: string
}

const pathModifier: Schema = {
  type: 'object',
  required: ['type'],
  properties: {
    type: { type: 'string', enum: ['ReplaceFullPath', 'ReplacePrefixMatch'] },
    replaceFullPath: { type: 'string', maxLength: 1024 },
    replacePrefixMatch: { type: 'string', maxLength: 1024 },
  },
  rules: [
    rule<PathModifierShape>(
      "must have 'replaceFullPath' alone when the type is ReplaceFullPath, 'replacePrefixMatch' alone when it is ReplacePrefixMatch",
      ({ type, replaceFullPath: full, replacePrefixMatch: prefix }) =>
        type === 'ReplaceFullPath'
          ? full !== undefined && prefix === undefined
          : prefix !== undefined && full === undefined,
    ),
  ],
}

const requestRedirect: Schema = {
  type: 'object',
  properties: {
    scheme: { type: 'string', enum: ['http', 'https'] },
    hostname: preciseHostname,
    path: pathModifier,
    port,
    statusCode: { type: 'integer', enum: [301, 302, 303, 307, 308], default: 302 },
  },
}

interface ServiceRefShape {
  readonly group: string
  readonly kind: string
  readonly port?: number
}

/** A reference to something that answers requests: a Service unless it says otherwise. */
export const backendObjectRef = {
  group: { ...group, default: '' },
  kind: { ...kind, default: 'Service' },
  name: objectName,
  namespace: label,
  port,
} satisfies { [name: string]: Schema }

/** Only a Service has several ports to choose from. */
export const servicePortRule: Rule = rule<ServiceRefShape>(
  'is missing: a reference to a Service needs it',
  (ref) => ref.group !== '' || ref.kind !== 'Service' || ref.port !== undefined,
  { fieldPath: ['port'] },
)

const requestMirror: Schema = {
  type: 'object',
  required: ['backendRef'],
  properties: {
    backendRef: { type: 'object', required: ['name'], properties: backendObjectRef, rules: [servicePortRule] },
    percent: { type: 'integer', minimum: 0, maximum: 100 },
    fraction: {
      type: 'object',
      required: ['numerator'],
      properties: {
        numerator: { type: 'integer', minimum: 0 },
        denominator: { type: 'integer', minimum: 1, default: 100 },
      },
      rules: [
        rule<{ numerator: number; denominator: number }>(
          'must not be greater than the denominator',
          ({ numerator, denominator }) => numerator <= denominator,
          { fieldPath: ['numerator'] },
        ),
      ],
    },
  },
  rules: [
    rule<{ percent?: number; fraction?: object }>(
      "must not have both 'percent' and 'fraction'",
      ({ percent, fraction }) => percent === undefined || fraction === undefined,
    ),
  ],
}

/** `*` stands for everything and so stands alone. */
const starAlone = rule<readonly string[]>(
  "must hold nothing else beside '*'",
  (list) => list.length < 2 || !list.includes('*'),
)

function corsList(items: Schema, maxItems: number): Schema {
  return { type: 'array', maxItems, listType: 'set', items, rules: [starAlone] }
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const

/** RFC 9110, 9 and RFC 5789: the methods that a match may name. */
export const method: Schema = { type: 'string', enum: METHODS }

const cors: Schema = {
  type: 'object',
  properties: {
    allowCredentials: { type: 'boolean' },
    allowHeaders: corsList(headerName, 64),
    allowMethods: corsList({ type: 'string', enum: [...METHODS, '*'] }, 9),
    allowOrigins: corsList(
      {
        type: 'string',
        minLength: 1,
        maxLength: 253,
        pattern: '^(\\*|https?://(\\*|(\\*\\.)?[a-zA-Z0-9-]+(\\.[a-zA-Z0-9-]+)*)(:[0-9]{1,5})?)$',
        patternMeaning: "'*', or http:// or https:// with a host, which may begin with '*.', and a port at most",
      },
      64,
    ),
    exposeHeaders: { type: 'array', maxItems: 64, listType: 'set', items: headerName },
    maxAge: { type: 'integer', minimum: 1, default: 5 },
  },
}

const extensionRef: Schema = {
  type: 'object',
  required: ['group', 'kind', 'name'],
  properties: { group, kind, name: objectName },
}

/** The block that belongs to each type of filter. */
const BLOCKS: { readonly [type: string]: string } = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  CORS: 'cors',
  ExternalAuth: 'externalAuth',
  ExtensionRef: 'extensionRef',
}

export interface FilterShape {
  readonly type: string
  readonly [block: string]: unknown
}

const filter: Schema = {
  type: 'object',
  required: ['type'],
  properties: {
    type: { type: 'string', enum: Object.keys(BLOCKS) },
    requestHeaderModifier: headerModifier,
    responseHeaderModifier: headerModifier,
    requestMirror,
    requestRedirect,
    urlRewrite: { type: 'object', properties: { hostname: preciseHostname, path: pathModifier } },
    cors,
    // Experimental channel.
    externalAuth: { ...anything, type: 'object' },
    extensionRef,
  },
  rules: Object.entries(BLOCKS).flatMap(([type, block]) => [
    rule<FilterShape>(`is missing: the type is ${type}`, (self) => self.type !== type || self[block] !== undefined, {
      fieldPath: [block],
    }),
    rule<FilterShape>(
      `must not be given unless the type is ${type}`,
      (self) => self.type === type || self[block] === undefined,
      {
        fieldPath: [block],
      },
    ),
  ]),
}

/** Filters that may stand once only; several mirrors and extensions are fine. */
const ONCE = ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect', 'URLRewrite', 'CORS']

export const filters: Schema = {
  type: 'array',
  maxItems: 16,
  items: filter,
  rules: [
    rule<readonly FilterShape[]>(
      'must not have both a RequestRedirect and a URLRewrite',
      (all) => !['RequestRedirect', 'URLRewrite'].every((type) => all.some((each) => each.type === type)),
    ),
    ...ONCE.map((type) =>
      rule<readonly FilterShape[]>(
        `must not have more than one ${type}`,
        (all) => all.filter((each) => each.type === type).length < 2,
      ),
    ),
  ],
}

/** Experimental channel: retries and sessions. */
export const retry: Schema = {
  type: 'object',
  properties: {
    attempts: { type: 'integer', minimum: 1 },
    backoff: duration,
    codes: { type: 'array', listType: 'set', items: { type: 'integer', minimum: 400, maximum: 599 } },
  },
}
