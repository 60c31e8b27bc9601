import { parse } from 'yaml'
import { z } from 'zod'
import { compileRule } from '../../contract/cel/rule.ts'
import { parseFieldPath } from './field-path.ts'
import type { Rule, Schema } from './schema.ts'
import { objectSchema } from './schemas/object.ts'

/** A kind that reading knows. */
export interface KnownKind {
  /** Empty for the core group. */
  readonly group: string
  /** Versions that are accepted; objects come out as the first one. */
  readonly versions: readonly string[]
  readonly kind: string
  readonly namespaced: boolean
  /** Of the whole object. */
  readonly schema: Schema
}

/** JSONSchemaProps as far as the validator follows it; any other keyword is refused, so that none goes unheeded. */
const jsonSchemaProps = z.strictObject({
  description: z.string().optional(),
  type: z.enum(['object', 'array', 'string', 'integer', 'number', 'boolean']).optional(),
  format: z.enum(['int32', 'int64', 'date-time', 'password']).optional(),
  get properties() {
    return z.record(z.string(), jsonSchemaProps).optional()
  },
  required: z.array(z.string()).optional(),
  get additionalProperties() {
    return jsonSchemaProps.optional()
  },
  get items() {
    return jsonSchemaProps.optional()
  },
  default: z.unknown().optional(),
  nullable: z.boolean().optional(),
  enum: z.array(z.union([z.string(), z.number(), z.boolean()])).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.int().optional(),
  maxLength: z.int().optional(),
  pattern: z.string().optional(),
  minItems: z.int().optional(),
  maxItems: z.int().optional(),
  minProperties: z.int().optional(),
  maxProperties: z.int().optional(),
  'x-kubernetes-list-type': z.enum(['atomic', 'set', 'map']).optional(),
  'x-kubernetes-list-map-keys': z.array(z.string()).optional(),
  'x-kubernetes-int-or-string': z.literal(true).optional(),
  'x-kubernetes-preserve-unknown-fields': z.literal(true).optional(),
  'x-kubernetes-validations': z
    .array(z.strictObject({ rule: z.string(), message: z.string(), fieldPath: z.string().optional() }))
    .optional(),
})

type JsonSchemaProps = z.infer<typeof jsonSchemaProps>

const customResourceDefinition = z.object({
  apiVersion: z.literal('apiextensions.k8s.io/v1'),
  kind: z.literal('CustomResourceDefinition'),
  spec: z.object({
    group: z.string(),
    names: z.object({ kind: z.string() }),
    scope: z.enum(['Namespaced', 'Cluster']),
    versions: z.tuple([z.object({ name: z.string(), schema: z.object({ openAPIV3Schema: jsonSchemaProps }) })]),
  }),
})

/**
 * Reads a CustomResourceDefinition of ours (one version) from its YAML.
 * @throws when it is none, or says something that the validator would not follow: a mistake in this package
 */
export function readCrd(text: string): KnownKind {
  const { spec } = customResourceDefinition.parse(parse(text))
  const [version] = spec.versions
  const namespaced = spec.scope === 'Namespaced'
  return {
    group: spec.group,
    versions: [version.name],
    kind: spec.names.kind,
    namespaced,
    schema: objectSchema({ namespaced }, toSchema(version.schema.openAPIV3Schema)),
  }
}

function toSchema(props: JsonSchemaProps): Schema {
  const {
    description: _description,
    format: _format,
    properties,
    additionalProperties,
    items,
    'x-kubernetes-list-type': listType,
    'x-kubernetes-list-map-keys': listMapKeys,
    'x-kubernetes-int-or-string': intOrString,
    'x-kubernetes-preserve-unknown-fields': preserveUnknownFields,
    'x-kubernetes-validations': validations,
    ...plain
  } = props
  const schema = withoutUndefined({
    ...plain,
    properties: properties && mapValues(properties, toSchema),
    additionalProperties: additionalProperties && toSchema(additionalProperties),
    items: items && toSchema(items),
    listType,
    listMapKeys,
    intOrString,
    preserveUnknownFields,
  }) as Schema
  if (validations === undefined) return schema
  return { ...schema, rules: validations.map(toRule) }
}

/** A rule in CEL. One that cannot be evaluated does not hold, as in an API server. */
function toRule({
  rule: source,
  message,
  fieldPath,
}: {
  rule: string
  message: string
  fieldPath?: string | undefined
}): Rule {
  const compiled = compileRule(source)
  if (!compiled.ok) throw new Error(`validation rule '${source}': ${compiled.problem.message}`)
  const { rule } = compiled
  return {
    message,
    ...(fieldPath !== undefined && { fieldPath: parseFieldPath(fieldPath) }),
    holds: (self) => rule.check(self) === true,
  }
}

function mapValues<From, To>(
  record: { readonly [key: string]: From },
  map: (value: From) => To,
): { [key: string]: To } {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}

function withoutUndefined(record: { readonly [key: string]: unknown }): { [key: string]: unknown } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}
