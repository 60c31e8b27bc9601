/** What the mock model reads of a chat-completions request (OpenAI API reference, "Create chat completion"). */
export interface MockRequest {
  readonly model: string
  readonly stream: boolean
  readonly includeUsage: boolean
  readonly choices: number
  readonly maxTokens: number | undefined
  readonly messages: readonly { readonly role: string; readonly text: string }[]
  /** Names of the functions that the model may call. */
  readonly tools: readonly string[]
}

/** Why a provider would refuse a request: the fields of OpenAI's error object. */
export interface MockRefusal {
  readonly status: number
  readonly type: string
  readonly code: string | null
  readonly message: string
}

type Json = { readonly [key: string]: unknown }

function asObject(value: unknown): Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {}
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** A message's text: a string, or the text parts of a list. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  const parts = asList(content).map((part) => asObject(part)['text'])
  return parts.filter((part) => typeof part === 'string').join(' ')
}

function invalid(message: string, code: string | null = null): MockRefusal {
  return { status: 400, type: 'invalid_request_error', code, message }
}

/** Reads a request body as strictly as providers do. */
export function readMockRequest(body: string): MockRequest | MockRefusal {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return invalid('We could not parse the JSON body of your request.')
  }
  const request = asObject(parsed)
  const { model, stream, n = 1 } = request
  if (typeof model !== 'string' || model === '') return invalid('you must provide a model parameter')
  if (!Array.isArray(request['messages']) || request['messages'].length === 0) {
    return invalid("Missing required parameter: 'messages'.", 'missing_required_parameter')
  }
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > 8) return invalid("'n' must be between 1 and 8")
  const maxTokens = request['max_completion_tokens'] ?? request['max_tokens']
  return {
    model,
    stream: stream === true,
    includeUsage: stream === true && asObject(request['stream_options'])['include_usage'] === true,
    choices: n,
    maxTokens: typeof maxTokens === 'number' && maxTokens > 0 ? Math.floor(maxTokens) : undefined,
    messages: request['messages'].map((message) => ({
      role: String(asObject(message)['role'] ?? ''),
      text: textOf(asObject(message)['content']),
    })),
    tools: asList(request['tools'])
      .map((tool) => asObject(asObject(tool)['function'])['name'])
      .filter((name) => typeof name === 'string'),
  }
}
