import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

/** Where the examples are; `demo` belongs to `weir demo`, which has tests of its own. */
const EXAMPLES = resolve(import.meta.dirname, '../../examples')
const DEMO = 'demo'

/** What stands in for an address of the manifests: a model, a plain web server, a collector. */
const standIn = z.enum([
  'model',
  'model with TLS',
  'model with TLS of a private CA',
  'overloaded model',
  'web server',
  'collector by gRPC',
  'collector by HTTP',
  'collector by HTTPS',
])

/** A key whose value is null must not be there; a string after `~ ` is a pattern for all of the value; objects may have more keys. */
const facts = z.record(z.string(), z.unknown())

const expectedSpan = z.strictObject({
  /** The collector that gets it, where there are several. */
  at: z.string().optional(),
  name: z.string(),
  kind: z.enum(['server', 'client']).default('server'),
  status: z.enum(['unset', 'error']).default('unset'),
  traceId: z.string().optional(),
  /** Empty: the span has no parent. */
  parentSpanId: z.string().optional(),
  attributes: facts.default({}),
  resource: facts.default({}),
})

const exchange = z.strictObject({
  /** Says in request.sh what the request is for. */
  comment: z.string().optional(),
  method: z.string().optional(),
  path: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  answer: z.strictObject({
    status: z.int(),
    headers: facts.default({}),
    /** Of a body that is JSON. */
    body: z.unknown().optional(),
    /** Patterns that the body's text fits. */
    text: z.array(z.string()).default([]),
  }),
  /** What upstreams got, in this order; not looked at when absent. */
  upstream: z
    .array(
      z.strictObject({
        at: z.string().optional(),
        path: z.string(),
        headers: facts.default({}),
        body: facts.optional(),
      }),
    )
    .optional(),
  /** All spans of the request, in the order in which they are sent. */
  spans: z.array(expectedSpan).default([]),
})

const expectations = z.strictObject({
  /** By `host:port` of the manifests. */
  standIns: z.record(z.string(), standIn),
  /** Where request.sh finds weir unless WEIR says otherwise. */
  url: z.string().default('http://localhost:8080'),
  /** Options of every curl line. */
  curl: z.string().optional(),
  /** What the example's certificate.sh makes. */
  certificate: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('Secret'), name: z.string(), dnsNames: z.array(z.string()) }),
      z.strictObject({ kind: z.literal('ConfigMap'), name: z.string() }),
    ])
    .optional(),
  requests: z.array(exchange).min(1),
  /** All lines of the access log: patterns, or facts of JSON lines. Absent: one for each request. */
  log: z.array(z.union([z.string(), facts])).optional(),
  /** What every export to the collectors looked like. */
  exports: z.strictObject({ protocol: z.string(), path: z.string(), headers: facts.default({}) }).optional(),
  /** Series of /metrics; they may have more labels. */
  metrics: z
    .array(z.strictObject({ name: z.string(), labels: z.record(z.string(), z.string()), value: z.number() }))
    .default([]),
  /** Names that /metrics does not have. */
  absentMetrics: z.array(z.string()).default([]),
})

export type StandIn = z.infer<typeof standIn>
export type Expectations = z.infer<typeof expectations>
export type ExpectedExchange = z.infer<typeof exchange>

/** One folder of examples/, and what its expect.yaml says. */
export interface Example {
  readonly name: string
  readonly folder: string
  readonly expected: Expectations
}

/** All examples, by name. Throws where an expect.yaml has another form. */
export function readExamples(): Example[] {
  return readdirSync(EXAMPLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== DEMO)
    .map(({ name }) => {
      const folder = join(EXAMPLES, name)
      const read = expectations.safeParse(parse(readFileSync(join(folder, 'expect.yaml'), 'utf8')))
      if (!read.success) throw new Error(`examples/${name}/expect.yaml: ${z.prettifyError(read.error)}`)
      return { name, folder, expected: read.data }
    })
}

/** What request.sh has to say, so that it and expect.yaml are one. */
export function requestScript({ url, curl, requests }: Expectations): string {
  const blocks = requests.map(({ comment, method, path, headers, body, answer }) => {
    const show = Object.keys(answer.headers).length > 0 ? ' -i' : ''
    const verb = method === undefined ? '' : ` -X ${method}`
    const lines = [
      `curl -sS${show}${verb}${curl === undefined ? '' : ` ${curl}`} "$WEIR${path}"`,
      ...Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`),
      ...(body === undefined ? [] : ["-H 'content-type: application/json'", `-d '${body}'`]),
    ]
    return `${comment === undefined ? '' : `# ${comment}\n`}${lines.join(' \\\n  ')}\necho\n`
  })
  return `#!/usr/bin/env bash\nset -euo pipefail\nWEIR=\${WEIR:-${url}}\n\n${blocks.join('\n')}`
}
