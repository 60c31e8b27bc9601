import { GATEWAY_API_GROUP } from '../../../contract/names.ts'
import { rule, type Schema } from '../schema.ts'
import {
  backendObjectRef,
  type FilterShape,
  filters,
  headerValue,
  method,
  retry,
  servicePortRule,
} from './http-filters.ts'
import { anything, duration, group, headerName, hostname, kind, label, objectName, port, subdomain } from './names.ts'

/** HTTPRoute (gateway.networking.k8s.io/v1, release 1.6), with the experimental channel's fields. */

interface PathShape {
  readonly type: string
  readonly value: string
}

/** What a path of type Exact or PathPrefix must not hold, because no request path would ever match it. */
const NOT_IN_PATHS = ['//', '/./', '/../', '%2f', '%2F', '#']
const NOT_AT_END = ['/..', '/.']

function literalPath(message: string, holds: (value: string) => boolean) {
  return rule<PathShape>(message, ({ type, value }) => type === 'RegularExpression' || holds(value), {
    fieldPath: ['value'],
  })
}

const pathMatch: Schema = {
  type: 'object',
  default: { type: 'PathPrefix', value: '/' },
  properties: {
    type: { type: 'string', enum: ['Exact', 'PathPrefix', 'RegularExpression'], default: 'PathPrefix' },
    value: { type: 'string', maxLength: 1024, default: '/' },
  },
  rules: [
    literalPath("must start with '/'", (value) => value.startsWith('/')),
    ...NOT_IN_PATHS.map((part) => literalPath(`must not contain '${part}'`, (value) => !value.includes(part))),
    ...NOT_AT_END.map((part) => literalPath(`must not end with '${part}'`, (value) => !value.endsWith(part))),
    literalPath('must hold only the characters of a URL path (RFC 3986), others percent-encoded', (value) =>
      // The characters that have a rule of their own are let through here: one mistake, one message.
      /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@#]|%[0-9a-fA-F]{2})*$/.test(value),
    ),
  ],
}

function valueMatches(name: Schema, value: Schema): Schema {
  return {
    type: 'array',
    maxItems: 16,
    listType: 'map',
    listMapKeys: ['name'],
    items: {
      type: 'object',
      required: ['name', 'value'],
      properties: { type: { type: 'string', enum: ['Exact', 'RegularExpression'], default: 'Exact' }, name, value },
    },
  }
}

const matches: Schema = {
  type: 'array',
  maxItems: 64,
  default: [{ path: { type: 'PathPrefix', value: '/' } }],
  items: {
    type: 'object',
    properties: {
      path: pathMatch,
      method,
      headers: valueMatches(headerName, headerValue),
      queryParams: valueMatches(headerName, { type: 'string', minLength: 1, maxLength: 1024 }),
    },
  },
}

const backendRefs: Schema = {
  type: 'array',
  maxItems: 16,
  items: {
    type: 'object',
    required: ['name'],
    properties: {
      ...backendObjectRef,
      weight: { type: 'integer', minimum: 0, maximum: 1_000_000, default: 1 },
      filters,
    },
    rules: [servicePortRule],
  },
}

const UNIT_MS: { readonly [unit: string]: number } = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** Milliseconds of a GEP-2257 duration that fits the schema's pattern. */
function toMs(text: string): number {
  return [...text.matchAll(/(\d+)(ms|h|m|s)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit!] ?? 0),
    0,
  )
}

const timeouts: Schema = {
  type: 'object',
  properties: { request: duration, backendRequest: duration },
  rules: [
    rule<{ request?: string; backendRequest?: string }>(
      "must not be longer than 'request', which covers it",
      ({ request, backendRequest }) =>
        request === undefined ||
        backendRequest === undefined ||
        toMs(request) === 0 ||
        toMs(backendRequest) <= toMs(request),
      { fieldPath: ['backendRequest'] },
    ),
  ],
}

interface RuleShape {
  readonly matches: readonly { readonly path: PathShape }[]
  readonly filters?: readonly FilterShape[]
  readonly backendRefs?: readonly { readonly filters?: readonly FilterShape[] }[]
}

function replacesPrefix(all: readonly FilterShape[] = []): boolean {
  return all.some(({ requestRedirect, urlRewrite }) =>
    [requestRedirect, urlRewrite].some(
      (block) => (block as { path?: { type?: string } } | undefined)?.path?.type === 'ReplacePrefixMatch',
    ),
  )
}

const routeRule: Schema = {
  type: 'object',
  properties: {
    name: subdomain,
    matches,
    filters,
    backendRefs,
    timeouts,
    retry,
    sessionPersistence: { ...anything, type: 'object' },
  },
  rules: [
    rule<RuleShape>(
      'must not be given beside a RequestRedirect filter',
      ({ filters: own = [], backendRefs: refs = [] }) =>
        refs.length === 0 || own.every(({ type }) => type !== 'RequestRedirect'),
      { fieldPath: ['backendRefs'] },
    ),
    rule<RuleShape>(
      'must be exactly one PathPrefix match when a filter replaces the matched prefix',
      ({ matches: [first, ...more], filters: own, backendRefs: refs = [] }) =>
        (more.length === 0 && first?.path.type === 'PathPrefix') ||
        !(replacesPrefix(own) || refs.some((ref) => replacesPrefix(ref.filters))),
      { fieldPath: ['matches'] },
    ),
  ],
}

const MOST_MATCHES = 128

const rules: Schema = {
  type: 'array',
  minItems: 1,
  maxItems: 16,
  default: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }],
  items: routeRule,
  rules: [
    rule<readonly RuleShape[]>(
      `must have at most ${MOST_MATCHES} matches together`,
      (all) => all.reduce((sum, each) => sum + each.matches.length, 0) <= MOST_MATCHES,
    ),
  ],
}

interface ParentShape {
  readonly group: string
  readonly kind: string
  readonly namespace?: string
  readonly name: string
  readonly sectionName?: string
  readonly port?: number
}

const parentRefs: Schema = {
  type: 'array',
  maxItems: 32,
  items: {
    type: 'object',
    required: ['name'],
    properties: {
      group: { ...group, default: GATEWAY_API_GROUP },
      kind: { ...kind, default: 'Gateway' },
      namespace: label,
      name: objectName,
      sectionName: subdomain,
      port,
    },
  },
  rules: [
    rule<readonly ParentShape[]>('names a parent twice: each needs a sectionName or port of its own', (all) => {
      const parents = Map.groupBy(all, (ref) => JSON.stringify([ref.group, ref.kind, ref.namespace, ref.name]))
      return [...parents.values()].every(areToldApart)
    }),
  ],
}

/** References to one parent: all say the section, or none does; the same for the port; no two say the same. */
function areToldApart(refs: readonly ParentShape[]): boolean {
  const sections = new Set(refs.map(({ sectionName }) => sectionName !== undefined))
  const ports = new Set(refs.map(({ port: number }) => number !== undefined))
  const places = new Set(refs.map(({ sectionName, port: number }) => JSON.stringify([sectionName, number])))
  return sections.size === 1 && ports.size === 1 && places.size === refs.length
}

export const httpRoute: Schema = {
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      properties: {
        parentRefs,
        hostnames: { type: 'array', maxItems: 16, items: hostname },
        rules,
        useDefaultGateways: { type: 'string', enum: ['All', 'None'] },
      },
    },
  },
}
