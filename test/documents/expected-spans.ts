/**
 * What the documents' manifests must make of one chat request, written by hand from the documents and from README.md
 * beside this file, not from what the code does.
 */

/** The OTLP type of an attribute's value. */
export type ExpectedKind = 'string' | 'int' | 'double' | 'strings'

export interface ExpectedAttribute {
  readonly key: string
  readonly kind: ExpectedKind
}

/** The root span of one chat request: its name and its attributes, in order, each key once. */
export interface ExpectedSpan {
  readonly name: string
  readonly attributes: readonly ExpectedAttribute[]
}

/** The request behind the expectations of the tabs; streamed ones have `"stream": true` in addition. */
export const CHAT_REQUEST = {
  model: '',
  messages: [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content: 'What is a weir?' },
  ],
  temperature: 0.2,
  max_tokens: 64,
} as const

/** The answer's facts: one choice, tokens reported, neither cached nor reasoning ones. */
export const CHAT_ANSWER = {
  id: 'chatcmpl-doc-1',
  model: 'gemini-1.5-flash-latest',
  content: 'A low dam across a river.',
  finishReason: 'stop',
  promptTokens: 8,
  completionTokens: 313,
} as const

/** `key kind` on each line. */
function attributes(lines: string): readonly ExpectedAttribute[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [key, kind] = line.trim().split(' ') as [string, ExpectedKind]
      return { key, kind }
    })
}

/** The rows of every chat request that went well, through the Gateway, route and Backend of the Gemini document. */
const ROWS = attributes(`
  gateway string
  listener string
  route string
  endpoint string
  src.addr string
  http.method string
  http.host string
  http.path string
  http.version string
  http.status int
  trace.id string
  span.id string
  llm.provider string
  llm.request.model string
  llm.request.tokens int
  llm.response.model string
  llm.response.tokens int
  duration string
  url.scheme string
  network.protocol.version string
`)

function span(name: string, lines: string): ExpectedSpan {
  return { name, attributes: [...ROWS, ...attributes(lines)] }
}

/** For a tab whose expressions yield the same keys whether the answer is streamed or not. */
function both(expected: ExpectedSpan): { readonly whole: ExpectedSpan; readonly streamed: ExpectedSpan } {
  return { whole: expected, streamed: expected }
}

/** Each tab, by the name of its file in `tabs/`; `whole`: not streamed. */
export const TAB_SPANS: { readonly [tab: string]: { readonly whole: ExpectedSpan; readonly streamed: ExpectedSpan } } =
  {
    // No fields of its own: weir's gen_ai.* attributes stay.
    'gemini-jaeger': {
      whole: span(
        'POST /gemini',
        `
      gen_ai.operation.name string
      gen_ai.provider.name string
      gen_ai.request.model string
      gen_ai.response.model string
      gen_ai.response.id string
      gen_ai.response.finish_reasons strings
      gen_ai.usage.input_tokens int
      gen_ai.usage.output_tokens int
      `,
      ),
      streamed: span(
        'POST /gemini',
        `
      gen_ai.operation.name string
      gen_ai.provider.name string
      gen_ai.request.model string
      gen_ai.response.model string
      gen_ai.response.id string
      gen_ai.response.finish_reasons strings
      gen_ai.usage.input_tokens int
      gen_ai.usage.output_tokens int
      gen_ai.request.stream string
      gen_ai.response.time_to_first_chunk double
      `,
      ),
    },
    'gemini-langfuse': both(
      span(
        'POST /gemini',
        `
      gen_ai.operation.name string
      gen_ai.system string
      gen_ai.prompt string
      gen_ai.completion string
      gen_ai.usage.completion_tokens int
      gen_ai.usage.prompt_tokens int
      gen_ai.request.temperature double
      gen_ai.request.max_tokens int
      `,
      ),
    ),
    'gemini-phoenix': both(
      span(
        'openai.chat',
        `
      openinference.span.kind string
      llm.system string
      llm.input_messages.0.message.role string
      llm.input_messages.0.message.content string
      llm.input_messages.1.message.role string
      llm.input_messages.1.message.content string
      llm.output_messages.0.role string
      llm.output_messages.0.content string
      llm.token_count.completion int
      llm.token_count.prompt int
      llm.token_count.total int
      `,
      ),
    ),
    'gemini-openllmetry': both(
      span(
        'openai.chat',
        `
      gen_ai.operation.name string
      gen_ai.system string
      gen_ai.prompt.0.role string
      gen_ai.prompt.0.content string
      gen_ai.prompt.1.role string
      gen_ai.prompt.1.content string
      gen_ai.completion.0.role string
      gen_ai.completion.0.content string
      gen_ai.usage.completion_tokens int
      gen_ai.usage.prompt_tokens int
      llm.usage.total_tokens int
      llm.is_streaming string
      `,
      ),
    ),
    'jaeger-jaeger': both(
      span(
        'POST /gemini',
        `
      gen_ai.operation.name string
      gen_ai.system string
      gen_ai.request.model string
      gen_ai.response.model string
      gen_ai.usage.completion_tokens int
      gen_ai.usage.prompt_tokens int
      `,
      ),
    ),
    'jaeger-langfuse': both(
      span(
        'POST /gemini',
        `
      gen_ai.operation.name string
      gen_ai.system string
      gen_ai.prompt string
      gen_ai.completion string
      gen_ai.usage.completion_tokens int
      gen_ai.usage.prompt_tokens int
      gen_ai.request.model string
      gen_ai.response.model string
      gen_ai.request.temperature double
      gen_ai.request.max_tokens int
      `,
      ),
    ),
    'jaeger-phoenix': both(
      span(
        'openai.chat',
        `
      openinference.span.kind string
      llm.system string
      llm.input_messages.0.message.role string
      llm.input_messages.0.message.content string
      llm.input_messages.1.message.role string
      llm.input_messages.1.message.content string
      llm.output_messages.0.role string
      llm.output_messages.0.content string
      llm.token_count.completion int
      llm.token_count.prompt int
      llm.token_count.total int
      `,
      ),
    ),
    'jaeger-openllmetry': both(
      span(
        'openai.chat',
        `
      gen_ai.operation.name string
      gen_ai.system string
      gen_ai.prompt.0.role string
      gen_ai.prompt.0.content string
      gen_ai.prompt.1.role string
      gen_ai.prompt.1.content string
      gen_ai.completion.0.role string
      gen_ai.completion.0.content string
      gen_ai.usage.completion_tokens int
      gen_ai.usage.prompt_tokens int
      gen_ai.request.model string
      gen_ai.response.model string
      gen_ai.request.temperature double
      gen_ai.request.max_tokens int
      llm.is_streaming string
      `,
      ),
    ),
  }

/** The span of the Gemini document: the sample's twenty attributes, then all six that its ConfigMap adds, nothing else. */
export const GEMINI_SPAN: ExpectedSpan = span(
  'POST /gemini',
  `
  gen_ai.operation.name string
  gen_ai.system string
  gen_ai.request.model string
  gen_ai.response.model string
  gen_ai.usage.completion_tokens int
  gen_ai.usage.prompt_tokens int
  `,
)

/**
 * The values of that span that do not depend on chance, for the document's request: to `/gemini`, `model: ""`, Host
 * `localhost:8080`, 8 tokens in, 313 out.
 */
export const GEMINI_VALUES: { readonly [key: string]: string | number } = {
  gateway: 'kgateway-system/agentgateway',
  listener: 'http',
  route: 'kgateway-system/google',
  endpoint: 'generativelanguage.googleapis.com:443',
  'http.method': 'POST',
  'http.host': 'localhost',
  'http.path': '/gemini',
  'http.version': 'HTTP/1.1',
  'http.status': 200,
  'llm.provider': 'gemini',
  'llm.request.model': '',
  'llm.request.tokens': 8,
  'llm.response.model': 'gemini-1.5-flash-latest',
  'llm.response.tokens': 313,
  'url.scheme': 'http',
  'network.protocol.version': '1.1',
  'gen_ai.operation.name': 'chat',
  'gen_ai.system': 'gemini',
  'gen_ai.request.model': '',
  'gen_ai.response.model': 'gemini-1.5-flash-latest',
  'gen_ai.usage.completion_tokens': 313,
  'gen_ai.usage.prompt_tokens': 8,
}

/** The access log line of the same request, from its first to its last character, without the newline. */
export const GEMINI_LOG_LINE =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\tinfo\trequest gateway=kgateway-system\/agentgateway listener=http route=kgateway-system\/google endpoint=generativelanguage\.googleapis\.com:443 src\.addr=127\.0\.0\.1:\d+ http\.method=POST http\.host=localhost http\.path=\/gemini http\.version=HTTP\/1\.1 http\.status=200 trace\.id=[0-9a-f]{32} span\.id=[0-9a-f]{16} llm\.provider=gemini llm\.request\.model= llm\.request\.tokens=8 llm\.response\.model=gemini-1\.5-flash-latest llm\.response\.tokens=313 duration=\d+ms$/
