/**
 * What the provider tabs of the documents must make of one chat request, written by hand from the documents and from
 * README.md beside this file, not from what the code does.
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

/**
 * The request behind the expectations; streamed ones have `"stream": true` in addition. The answer has one choice, and
 * reports tokens, but neither cached nor reasoning ones.
 */
export const CHAT_REQUEST = {
  model: '',
  messages: [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content: 'What is a weir?' },
  ],
  temperature: 0.2,
  max_tokens: 64,
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
