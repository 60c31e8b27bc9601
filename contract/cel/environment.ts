import type { CelPhase } from './program.ts'
import { snakeCase } from './spelling.ts'

/**
 * What a variable yields. `int` is a bigint in CEL; `headers` is a map from lower-case names to a string or a list of
 * strings; `group` has fields; `dyn` is known only when it is there (claims, JSON).
 */
export type CelVariableType =
  | 'string'
  | 'int'
  | 'double'
  | 'bool'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'headers'
  | 'list<string>'
  | 'list<map<string, string>>'
  | 'map<string, dyn>'
  | 'dyn'
  | 'group'

/**
 * One variable that expressions may name. It can be spelled in camelCase (`name`) and in snake_case, each part of a path
 * on its own.
 */
export interface CelVariable {
  readonly name: string
  readonly type: CelVariableType
  /** From when on it may be named: `request` includes `end`. */
  readonly phase: CelPhase
  /** False: the part of weir that would set it does not exist yet; it may be named and has no value. */
  readonly built: boolean
  readonly doc: string
  /** The fields of a group; any other field is a mistake, unless the group is open. */
  readonly fields?: readonly CelVariable[]
  /** The group has keys that nobody can list beforehand (claims of a token …). */
  readonly open?: true
}

type Row = readonly [name: string, type: CelVariableType, doc: string]

/** Variables that share their phase and whether they are built. */
function rows(phase: CelPhase, built: boolean, list: readonly Row[]): CelVariable[] {
  return list.map(([name, type, doc]) => ({ name, type, phase, built, doc }))
}

function group(name: string, doc: string, fields: readonly CelVariable[], open?: true): CelVariable {
  return {
    name,
    type: 'group',
    phase: fields.some((field) => field.phase === 'request') ? 'request' : 'end',
    built: fields.some((field) => field.built),
    doc,
    fields,
    ...(open && { open }),
  }
}

/** A group whose keys come from outside; its phase is that of the policy that fills it. */
function openGroup(name: string, doc: string, fields: readonly CelVariable[] = []): CelVariable {
  return { name, type: 'group', phase: 'request', built: false, doc, fields, open: true }
}

const request = group('request', 'the request as the client sent it', [
  ...rows('request', true, [
    ['method', 'string', 'the method, `POST`'],
    ['uri', 'string', 'scheme, host, path and query; a string with the methods of URIs'],
    ['host', 'string', 'the Host header without its port'],
    ['scheme', 'string', '`http` or `https`'],
    ['path', 'string', 'the path without the query'],
    ['pathAndQuery', 'string', 'path and query as received; a string with the methods of URIs'],
    ['version', 'string', 'the protocol, `HTTP/1.1`'],
    ['headers', 'headers', 'by lower-case name: a string, or a list where a header came more than once'],
    ['startTime', 'timestamp', 'when the head of the request had been read'],
  ]),
  ...rows('end', true, [
    ['body', 'bytes', 'the whole body; absent when it was not collected or was longer than the limit'],
    ['bodyPrefix', 'bytes', 'the first bytes of the body, up to the limit'],
    ['endTime', 'timestamp', 'when the last byte of the answer was sent'],
  ]),
])

const response = group('response', 'the answer that the client got', [
  ...rows('end', true, [
    ['code', 'int', 'the status code'],
    ['headers', 'headers', 'as `request.headers`'],
    ['body', 'bytes', 'as `request.body`'],
    ['bodyPrefix', 'bytes', 'as `request.bodyPrefix`'],
  ]),
  ...rows('end', false, [['grpcStatus', 'int', 'the status of a gRPC answer']]),
])

const proxy = group('proxy', 'where in the configuration the request went', [
  ...rows('request', true, [['bind', 'string', 'the address that took the connection']]),
  group('gateway', 'the Gateway', [
    ...rows('request', true, [
      ['namespace', 'string', 'its namespace'],
      ['name', 'string', 'its name'],
    ]),
  ]),
  group('listener', 'the listener', rows('request', true, [['name', 'string', 'its name']])),
  group('route', 'the route that matched', [
    ...rows('end', true, [
      ['namespace', 'string', 'its namespace'],
      ['name', 'string', 'its name'],
      ['kind', 'string', '`HTTPRoute`'],
      ['rule', 'string', 'the name of the rule'],
    ]),
  ]),
  ...rows('end', true, [
    ['requestProcessingDuration', 'duration', 'from the head of the request to the first try at an upstream'],
    ['upstreamDuration', 'duration', 'from the first try at an upstream to the last byte of its answer'],
    ['responseProcessingDuration', 'duration', 'from the last byte of the upstream to the last byte sent'],
  ]),
])

const env = group(
  'env',
  'the pod',
  rows('request', true, [
    ['podName', 'string', 'its name'],
    ['namespace', 'string', 'its namespace'],
    ['gateway', 'string', 'the name of its Gateway'],
  ]),
)

const identities = [
  openGroup('jwt', 'claims of the verified token, by name'),
  openGroup(
    'apiKey',
    'metadata of the verified API key, by name',
    rows('request', false, [['key', 'string', 'the key']]),
  ),
  group('basicAuth', 'basic authentication', rows('request', false, [['username', 'string', 'the verified name']])),
]

const prices: readonly Row[] = [
  ['total', 'double', 'all of it'],
  ['input', 'double', 'for input tokens'],
  ['output', 'double', 'for output tokens'],
  ['cacheRead', 'double', 'for input tokens read from a cache'],
  ['cacheWrite', 'double', 'for input tokens written to a cache'],
  ['reasoning', 'double', 'for reasoning tokens'],
  ['inputAudio', 'double', 'for audio input tokens'],
  ['outputAudio', 'double', 'for audio output tokens'],
]

const llm = group('llm', 'the call of a model; absent where the backend is none', [
  ...rows('end', true, [
    ['streaming', 'bool', 'whether the client asked for a stream'],
    ['requestModel', 'string', 'the model that was asked for'],
    ['responseModel', 'string', 'the model that answered'],
    ['provider', 'string', 'who runs it'],
    ['serviceTier', 'string', 'the tier that served the call'],
    ['inputTokens', 'int', 'tokens of the prompt, with those read from and written to caches'],
    ['outputTokens', 'int', 'tokens of the completion'],
    ['totalTokens', 'int', 'both'],
    ['cachedInputTokens', 'int', 'input tokens read from a cache'],
    ['cacheCreationInputTokens', 'int', 'input tokens written to a cache'],
    ['reasoningTokens', 'int', 'output tokens spent on reasoning'],
    ['inputAudioTokens', 'int', 'input tokens that are audio'],
    ['outputAudioTokens', 'int', 'output tokens that are audio'],
    ['timeToFirstToken', 'duration', 'streams: from the head of the request to the first choice'],
    ['timePerOutputToken', 'duration', 'streams: mean time of a token after the first'],
    [
      'prompt',
      'list<map<string, string>>',
      'the messages, each `{role, content}`; read only if an expression names it',
    ],
    ['completion', 'list<string>', 'the texts of the choices; read only if an expression names it'],
    ['toolCalls', 'list<map<string, string>>', 'each `{id, name, arguments}`; read only if an expression names it'],
    [
      'params',
      'map<string, dyn>',
      'what the client sent of `temperature`, `top_p`, `frequency_penalty`, `presence_penalty` (double), `seed`, `max_tokens`, `dimensions` (int), `encoding_format` (string); these keys have one spelling',
    ],
  ]),
  ...rows('end', false, [
    ['providerInputTokens', 'int', 'input tokens as the provider counts them'],
    ['providerTotalTokens', 'int', 'all tokens as the provider counts them'],
    ['inputTextTokens', 'int', 'input tokens that are text'],
    ['inputImageTokens', 'int', 'input tokens that are images'],
    ['outputTextTokens', 'int', 'output tokens that are text'],
    ['outputImageTokens', 'int', 'output tokens that are images'],
    ['countTokens', 'int', 'the answer to a request to count tokens'],
  ]),
  group('cost', 'US dollars of this call', rows('end', false, prices)),
  group('costRates', 'US dollars for a million tokens', rows('end', false, prices)),
])

const source = group('source', 'who sent the request', [
  ...rows('request', true, [
    ['address', 'string', 'IP address of the client'],
    ['port', 'int', 'its port'],
    ['rawAddress', 'string', 'IP address of the TCP peer'],
    ['rawPort', 'int', 'its port'],
  ]),
  group(
    'identity',
    'the workload that the client certificate names',
    rows('request', false, [
      ['trustDomain', 'string', 'its trust domain'],
      ['namespace', 'string', 'its namespace'],
      ['serviceAccount', 'string', 'its service account'],
    ]),
  ),
  ...rows('request', false, [
    ['spiffeId', 'string', 'SPIFFE id of the client certificate'],
    ['subjectAltNames', 'list<string>', 'its alternative names'],
    ['issuer', 'string', 'its issuer'],
    ['subject', 'string', 'its subject'],
    ['subjectCn', 'string', 'the common name of its subject'],
    ['certificate', 'string', 'the certificate, PEM'],
    ['connectHeaders', 'headers', 'headers of the CONNECT request of a tunnel'],
  ]),
  group(
    'unverifiedWorkload',
    'the workload that has the source address',
    rows('request', false, [
      ['name', 'string', 'its name'],
      ['namespace', 'string', 'its namespace'],
      ['serviceAccount', 'string', 'its service account'],
    ]),
  ),
])

const destination = group('destination', 'where the client connected to', [
  ...rows('request', true, [
    ['address', 'string', 'IP address'],
    ['port', 'int', 'port'],
  ]),
  ...rows('request', false, [['hostname', 'string', 'server name of the TLS handshake']]),
])

const mcpName: readonly Row[] = [
  ['target', 'string', 'the server'],
  ['name', 'string', 'the name at that server'],
]

const mcp = group('mcp', 'the MCP message; absent where the backend is no MCP backend', [
  ...rows('end', false, [
    ['methodName', 'string', 'the JSON-RPC method'],
    ['sessionId', 'string', 'the session'],
  ]),
  group('tool', 'the tool called', [
    ...rows('end', false, mcpName),
    ...rows('end', false, [
      ['arguments', 'dyn', 'its arguments'],
      ['result', 'dyn', 'its result'],
      ['error', 'dyn', 'its error'],
    ]),
  ]),
  group('prompt', 'the prompt asked for', rows('end', false, mcpName)),
  group('resource', 'the resource read', rows('end', false, mcpName)),
  group('task', 'the task', rows('end', false, mcpName)),
])

const backend = group(
  'backend',
  'the backend that was chosen',
  rows('end', true, [
    ['name', 'string', 'its name'],
    ['type', 'string', '`ai`, `mcp`, `static`, `dynamic`, `service`, `unknown`'],
    ['protocol', 'string', '`http`, `tcp`, `a2a`, `mcp`, `llm`'],
  ]),
)

/** Every variable that an expression of the telemetry configuration may name, in the order of the reference page. */
export const CEL_VARIABLES: readonly CelVariable[] = [
  request,
  response,
  llm,
  source,
  destination,
  backend,
  proxy,
  env,
  mcp,
  ...identities,
  {
    name: 'llmRequest',
    type: 'dyn',
    phase: 'end',
    built: false,
    doc: 'the body of the model request, inside LLM policies',
  },
  openGroup('extauthz', 'what external authorization returned'),
  openGroup('extproc', 'what external processing returned'),
  openGroup('mcpGuardrails', 'what the guardrails of MCP returned'),
  openGroup('guardrails', 'which guardrail acted, and why'),
  openGroup('metadata', 'what transformations stored'),
]

/** The variables of one place where names are looked up: the roots, or the fields of one group. */
export interface CelNames {
  /** The variable of this name, in either spelling. */
  find(name: string): CelVariable | undefined
  /** Every accepted spelling. */
  readonly spellings: readonly string[]
}

function namesOf(variables: readonly CelVariable[]): CelNames {
  const byName = new Map<string, CelVariable>()
  for (const variable of variables) {
    byName.set(variable.name, variable)
    byName.set(snakeCase(variable.name), variable)
  }
  return { find: (name) => byName.get(name), spellings: [...byName.keys()] }
}

/** The roots of the variables of telemetry. */
export const CEL_ROOTS: CelNames = namesOf(CEL_VARIABLES)

const namesOfGroups = new WeakMap<CelVariable, CelNames>()

/** The fields of a group, found by either spelling. */
export function celFields(variable: CelVariable): CelNames {
  let names = namesOfGroups.get(variable)
  if (names === undefined) {
    names = namesOf(variable.fields ?? [])
    namesOfGroups.set(variable, names)
  }
  return names
}
