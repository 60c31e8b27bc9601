import type { FieldPath } from './field-path.ts'

/**
 * The schema of a kind, in the form of Kubernetes' structural schemas (apiextensions.k8s.io/v1 JSONSchemaProps): what
 * our CRDs say, and what we say ourselves of the kinds whose CRDs are not ours. One validator works on both.
 */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  readonly properties?: { readonly [name: string]: Schema }
  readonly required?: readonly string[]
  /** Schema of the values of a map with free keys. */
  readonly additionalProperties?: Schema
  /** Free keys must match this; `keyMeaning` says it in words. */
  readonly keyPattern?: string
  readonly keyMeaning?: string
  readonly items?: Schema
  readonly default?: unknown
  readonly nullable?: boolean
  /** What null stands for as an item or as a map's value, where an API server decodes it as Go does: an empty text or map. */
  readonly nullMeans?: unknown
  /** Of a property: the empty text stands for "not given", as it does where Go has no pointer. */
  readonly emptyMeansAbsent?: true
  readonly enum?: readonly (string | number | boolean)[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  /** In characters (code points). */
  readonly maxLength?: number
  /** Must not need backtracking: it runs on what users write. */
  readonly pattern?: string
  /** What `pattern` means, in words that complete "must be". */
  readonly patternMeaning?: string
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly maxProperties?: number
  /** `set`: no two items are equal; `map`: no two items have equal `listMapKeys`. */
  readonly listType?: 'atomic' | 'set' | 'map'
  readonly listMapKeys?: readonly string[]
  /** x-kubernetes-int-or-string */
  readonly intOrString?: true
  /** x-kubernetes-preserve-unknown-fields: fields that are not in `properties` are kept as they are. */
  readonly preserveUnknownFields?: true
  readonly rules?: readonly Rule[]
}

/** A condition on a whole value (x-kubernetes-validations); it is only asked about values that fit the schema. */
export interface Rule {
  /** Completes "'field' …". */
  readonly message: string
  /** The field below the value that the message is about; where it depends on the value, a function of it. */
  readonly fieldPath?: FieldPath | ((self: unknown) => FieldPath)
  readonly advice?: string
  holds(self: unknown): boolean
}

/** A rule over a value whose shape the schema around it guarantees. */
export function rule<Self>(
  message: string,
  holds: (self: Self) => boolean,
  more: { readonly fieldPath?: FieldPath | ((self: Self) => FieldPath); readonly advice?: string } = {},
): Rule {
  return { message, ...(more as Pick<Rule, 'fieldPath' | 'advice'>), holds: (self) => holds(self as Self) }
}
