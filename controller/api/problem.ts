/** Which object, in the words of its own manifest. */
export interface ObjectRef {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** A place in a file; 1-based. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/**
 * Something wrong with the user's resources. A value that is collected, never thrown. `path` is the field
 * (`spec.rules[0].backendRefs[1].name`); inside a ConfigMap's text it goes on with the key and the path in that text
 * (`data["config.yaml"].config.tracing.otlpEndpoint`), and `inner` is the place inside the value itself when the value
 * is a text with lines of its own: an expression, or the ConfigMap's YAML.
 */
export interface Problem {
  readonly kind: ProblemKind
  readonly severity: 'error' | 'warning' | 'info'
  readonly at: ObjectRef
  readonly path: string
  readonly inner?: { readonly line: number; readonly column: number }
  /** It is the name of the field that is wrong, in a map with free names, and not its value. */
  readonly ofKey?: true
  /** Filled in where the object came from a file. */
  readonly position?: Position
  readonly message: string
  /** What to do about it; the nearest known name, for instance. */
  readonly advice?: string
}

/** What sort of mistake it is; controller/compile has one table from this to condition type, status and reason. */
export type ProblemKind =
  | 'Syntax'
  | 'UnknownField'
  | 'InvalidField'
  | 'UnknownKind'
  | 'Duplicate'
  | 'UnsupportedValue'
  | 'UnsupportedAddress'
  | 'UnsupportedProtocol'
  | 'NotBuilt'
  | 'NotSupported'
  | 'NoEffect'
  | 'InvalidParameters'
  | 'ListenerUnsupportedProtocol'
  | 'ListenerPortUnavailable'
  | 'ListenerHostnameConflict'
  | 'ListenerProtocolConflict'
  | 'ListenerInvalidRouteKinds'
  | 'ListenerInvalidCertificateRef'
  | 'NoMatchingParent'
  | 'NotAllowedByListeners'
  | 'NoMatchingListenerHostname'
  | 'RefNotPermitted'
  | 'InvalidKind'
  | 'BackendNotFound'
  | 'IncompatibleFilters'
  | 'SecretNotFound'
  | 'SecretInvalid'
  | 'PolicyConflicted'
  | 'PolicyTargetNotFound'
  | 'PolicyInvalidCaRef'
  | 'PolicyNoValidCa'
  | 'ConfigMapNotFound'
  | 'ConfigKeyNotFound'
  | 'ConfigInvalid'
  | 'Expression'
  | 'Refused'
  | 'NotDeployed'
