import { z } from 'zod'
import { telemetryConfig } from './telemetry-config.ts'

/**
 * The agreement between controller and data plane: what the pods of one Gateway should run, as a flat set of keyed
 * resources. Each resource has the field names of the user's resource that it comes from and, where it belongs to
 * another one, that one's key (a route names its listener). Bodies say what the user wrote; what a provider's host or
 * path is, the data plane knows.
 *
 * These schemas are the only door through which a snapshot comes in. Unknown fields are ignored, so that a controller
 * and a data plane one release apart work together.
 */

const port = z.int().min(1).max(65535)
const milliseconds = z.int().nonnegative()

/** How an upstream is spoken to over TLS. Without `ca`, the system's roots and `NODE_EXTRA_CA_CERTS` are trusted. */
const upstreamTls = z.object({
  /** SNI, and the name the certificate must be for. */
  hostname: z.string(),
  /** PEM certificates to trust instead of the system's. */
  ca: z.string().optional(),
  /** When given, one of these must be in the certificate instead of `hostname`. */
  subjectAltNames: z.array(z.object({ type: z.enum(['Hostname', 'URI']), value: z.string() })).optional(),
})

/** A part that cannot work because its resources are wrong; requests that reach it get `status` and `message`. */
const broken = z.object({ status: z.int(), message: z.string() })

const listener = z.object({
  kind: z.literal('listener'),
  key: z.string(),
  digest: z.string(),
  /** `namespace/name` of the Gateway. */
  gateway: z.string(),
  name: z.string(),
  port,
  protocol: z.enum(['HTTP', 'HTTPS']),
  hostname: z.string().optional(),
  /** HTTPS only: keys of credentials of type `certificate`. */
  certificates: z.array(z.string()).optional(),
})

const header = z.object({ name: z.string(), value: z.string() })

const pathModifier = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ReplaceFullPath'), replaceFullPath: z.string() }),
  z.object({ type: z.literal('ReplacePrefixMatch'), replacePrefixMatch: z.string() }),
])

const headerModifier = {
  set: z.array(header).default([]),
  add: z.array(header).default([]),
  remove: z.array(z.string()).default([]),
}

const filter = z.discriminatedUnion('type', [
  z.object({ type: z.literal('RequestHeaderModifier'), ...headerModifier }),
  z.object({ type: z.literal('ResponseHeaderModifier'), ...headerModifier }),
  z.object({
    type: z.literal('RequestRedirect'),
    scheme: z.enum(['http', 'https']).optional(),
    hostname: z.string().optional(),
    path: pathModifier.optional(),
    port: port.optional(),
    statusCode: z.int(),
  }),
  z.object({ type: z.literal('URLRewrite'), hostname: z.string().optional(), path: pathModifier.optional() }),
])

const valueMatch = z.object({ type: z.enum(['Exact', 'RegularExpression']), name: z.string(), value: z.string() })

const routeMatch = z.object({
  path: z.object({ type: z.enum(['Exact', 'PathPrefix', 'RegularExpression']), value: z.string() }),
  method: z.string().optional(),
  headers: z.array(valueMatch).default([]),
  queryParams: z.array(valueMatch).default([]),
})

const backendRef = z.object({
  weight: z.int().nonnegative(),
  /** Key of a backend; absent when the reference is `broken`. */
  backend: z.string().optional(),
  broken: broken.optional(),
  filters: z.array(filter).default([]),
})

/** One rule of one HTTPRoute as it is attached to one listener. */
const route = z.object({
  kind: z.literal('route'),
  key: z.string(),
  digest: z.string(),
  /** Key of the listener that it is attached to. */
  listener: z.string(),
  namespace: z.string(),
  name: z.string(),
  /** The rule's own name, when it has one. */
  rule: z.string().optional(),
  ruleIndex: z.int(),
  /** RFC 3339; older routes win ties. */
  creationTimestamp: z.string(),
  /** Intersection of the route's and the listener's hostnames; empty: any host. */
  hostnames: z.array(z.string()),
  matches: z.array(routeMatch).min(1),
  filters: z.array(filter),
  timeouts: z.object({ requestMs: milliseconds.optional(), backendRequestMs: milliseconds.optional() }),
  backendRefs: z.array(backendRef),
  /** The whole rule is wrong; it stays in the table and answers this. */
  broken: broken.optional(),
})

const providerAuth = z.discriminatedUnion('kind', [
  /** Key of a credential of type `token`. A credential that is not in the snapshot answers 500. */
  z.object({ kind: z.literal('credential'), credential: z.string() }),
  /** The client's own Authorization is passed on. */
  z.object({ kind: z.literal('passthrough') }),
])

const aiProvider = z.object({
  /** The user's name of this provider in its group, or the Backend's name. */
  name: z.string(),
  provider: z.enum(['openai', 'gemini', 'azureopenai', 'vertexai']),
  model: z.string().optional(),
  auth: providerAuth.optional(),
  /** Overrides of the provider's own address; `tls` says whether an overridden address is spoken to over TLS. */
  host: z.string().optional(),
  port: port.optional(),
  path: z.string().optional(),
  tls: upstreamTls.optional(),
  /** azureopenai */
  endpoint: z.string().optional(),
  deploymentName: z.string().optional(),
  apiVersion: z.string().optional(),
  /** vertexai */
  projectId: z.string().optional(),
  location: z.string().optional(),
  modelPath: z.string().optional(),
  publisher: z.string().optional(),
  broken: broken.optional(),
})

const endpoint = z.object({ host: z.string(), port })

const backend = z.object({
  kind: z.literal('backend'),
  key: z.string(),
  digest: z.string(),
  /** `Backend` or `Service`, as the reference named it. */
  resource: z.enum(['Backend', 'Service']),
  namespace: z.string(),
  name: z.string(),
  body: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('ai'),
      /**
       * Priority order: the next group is tried when no provider of the one before can answer. Providers that weir
       * does not have are left out; none is left only in a backend that is `broken`.
       */
      groups: z.array(z.object({ providers: z.array(aiProvider).min(1) })),
      includeUsage: z.enum(['Auto', 'Never']),
      maxRequestBytes: z.int().positive(),
    }),
    /** Plain HTTP. No endpoint: 503. */
    z.object({ type: z.literal('http'), endpoints: z.array(endpoint), tls: upstreamTls.optional() }),
    z.object({ type: z.literal('mcp'), targets: z.array(z.object({ name: z.string() })) }),
  ]),
  broken: broken.optional(),
})

/** A secret. Its body never reaches a log, a span, a status or a dump. */
const credential = z.object({
  kind: z.literal('credential'),
  key: z.string(),
  digest: z.string(),
  body: z.discriminatedUnion('type', [
    /** A provider's token: trimmed, without a leading `Bearer `. */
    z.object({ type: z.literal('token'), token: z.string() }),
    z.object({ type: z.literal('certificate'), certificate: z.string(), privateKey: z.string() }),
  ]),
})

/** What the tracing ConfigMap says, checked and normalised. At most one in a snapshot. */
const telemetry = z.object({
  kind: z.literal('telemetry'),
  key: z.literal('telemetry'),
  digest: z.string(),
  config: telemetryConfig,
})

export const resourceSchema = z.discriminatedUnion('kind', [listener, route, backend, credential, telemetry])

export const snapshotSchema = z.object({
  /** `namespace/name` of the Gateway. */
  gateway: z.string(),
  /** Digest of all resources and holds. */
  version: z.string(),
  resources: z.array(resourceSchema),
  /** Keys without a body: keep the form that you have, or, having none, go without. */
  hold: z.array(z.string()),
})

export type Snapshot = z.infer<typeof snapshotSchema>
export type Resource = z.infer<typeof resourceSchema>
export type ListenerResource = z.infer<typeof listener>
export type RouteResource = z.infer<typeof route>
export type BackendResource = z.infer<typeof backend>
export type CredentialResource = z.infer<typeof credential>
export type TelemetryResource = z.infer<typeof telemetry>
export type RouteMatch = z.infer<typeof routeMatch>
export type RouteFilter = z.infer<typeof filter>
export type BackendRef = z.infer<typeof backendRef>
export type AiProvider = z.infer<typeof aiProvider>
export type UpstreamTls = z.infer<typeof upstreamTls>
export type Endpoint = z.infer<typeof endpoint>
export type Broken = z.infer<typeof broken>

/** Largest request body an AI backend collects unless its Backend says otherwise. */
export const DEFAULT_MAX_REQUEST_BYTES = 32 * 1024 * 1024
