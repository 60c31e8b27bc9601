import type { Neutral } from './neutral.ts'

function text(value: string): Neutral {
  return { kind: 'string', value }
}

function int(value: number): Neutral {
  return { kind: 'int', value: BigInt(value) }
}

function double(value: number): Neutral {
  return { kind: 'double', value }
}

function list(...value: Neutral[]): Neutral {
  return { kind: 'list', value }
}

function map(entries: { readonly [key: string]: Neutral }): Neutral {
  return { kind: 'map', value: Object.entries(entries).map(([key, value]) => [text(key), value]) }
}

const chat: { readonly [name: string]: Neutral } = {
  request: map({
    method: text('POST'),
    path: text('/v1/chat/completions'),
    pathAndQuery: text('/v1/chat/completions?a=1&b=é'),
    host: text('gw.example'),
    scheme: text('https'),
    headers: map({
      'user-agent': text('openai/1.30.1'),
      'x-tenant': text('acme'),
      accept: list(text('application/json'), text('*/*')),
    }),
    body: { kind: 'bytes', value: Buffer.from('{"model":"gpt-4o"}') },
    startTime: { kind: 'timestamp', value: 1_767_225_600_000_000_000n },
    endTime: { kind: 'timestamp', value: 1_767_225_601_250_000_000n },
  }),
  response: map({ code: int(200) }),
  llm: map({
    streaming: { kind: 'bool', value: false },
    requestModel: text('gpt-4o-mini'),
    responseModel: text('gpt-4o-mini-2024-07-18'),
    provider: text('openai'),
    inputTokens: int(812),
    outputTokens: int(120),
    totalTokens: int(932),
    prompt: list(
      map({ role: text('system'), content: text('be brief') }),
      map({ role: text('user'), content: text('héllo 🎉') }),
      map({ role: text('assistant'), content: text('hi') }),
      map({ role: text('user'), content: text('') }),
    ),
    completion: list(text('Hello there'), text('Second choice')),
    params: map({ temperature: double(0.2), top_p: double(1), max_tokens: int(512), encoding_format: text('float') }),
    timeToFirstToken: { kind: 'duration', value: 210_000_000n },
  }),
  jwt: map({
    iss: text('https://idp.example'),
    sub: text('user-1'),
    groups: list(text('dev'), text('admin')),
    exp: double(1_900_000_000),
    nested: map({ a: map({ b: text('deep') }) }),
    nothing: { kind: 'null' },
    empty: list(),
  }),
  source: map({ address: text('10.0.0.9'), port: int(51_234) }),
}

const plain: { readonly [name: string]: Neutral } = {
  request: map({ method: text('GET'), path: text('/'), host: text(''), headers: map({}) }),
  response: map({ code: int(503) }),
}

/** The variables of a model call, of a plain request that failed, and of nothing at all. */
export const CONTEXTS: { readonly [name: string]: { readonly [name: string]: Neutral } } = { chat, plain, none: {} }

/** Expressions as users write them; each is evaluated in each context. */
export const EXPRESSIONS: readonly string[] = [
  // what is there and what is not
  'request.method',
  'request.path',
  'request["method"]',
  'request.headers["x-tenant"]',
  'request.headers["x-absent"]',
  'request.headers.accept',
  'request.headers["accept"][1]',
  'response.code',
  'llm.requestModel',
  'llm["requestModel"]',
  'llm.inputTokens',
  'llm.streaming',
  'llm.prompt',
  'llm.prompt[0].role',
  'llm.prompt[9].role',
  'llm.prompt[1]["content"]',
  'llm.completion[0]',
  'llm.params',
  'llm.params.top_p',
  'llm.params.seed',
  'jwt.sub',
  'jwt.groups',
  'jwt.nothing',
  'jwt.nested.a.b',
  'jwt.nested.x.b',
  'source.port',
  // text
  'request.path.startsWith("/v1/")',
  'request.path.endsWith("completions")',
  'request.path.contains("chat")',
  'request.path.size()',
  'size(request.path)',
  'llm.prompt[1].content.size()',
  'request.path + "?" + request.method',
  'request.path.split("/")',
  'request.path.split("/", 2)',
  'request.path.replace("/", ".")',
  'request.path.replace("/", ".", 1)',
  'request.path.substring(1)',
  'request.path.substring(1, 3)',
  'request.path.substring(3, 1)',
  'request.path.indexOf("/")',
  'request.path.indexOf("/", 1)',
  'request.path.lastIndexOf("/")',
  'request.path.charAt(0)',
  'request.path.charAt(99)',
  'request.method.lowerAscii()',
  'llm.provider.upperAscii()',
  '"  x ".trim()',
  '["a", "b"].join("-")',
  'jwt.groups.join(",")',
  'llm.completion.join()',
  'llm.prompt[1].content.indexOf("🎉")',
  'request.path < "b"',
  'request.path == "/"',
  'request.path != request.method',
  'request.headers["user-agent"].matches("^(curl|openai)/[0-9]+")',
  'request.path.matches("^/v[0-9]+/")',
  'request.path.matches("(?i)CHAT")',
  'request.path.matches("[")',
  'string(request.body)',
  'size(request.body)',
  'bytes(request.path)',
  'string(response.code)',
  'string(llm.params.temperature)',
  'string(true)',
  'request.body == b"x"',
  // numbers
  'llm.inputTokens + llm.outputTokens',
  'llm.totalTokens - llm.inputTokens',
  'llm.inputTokens * 2',
  'llm.inputTokens / 7',
  'llm.inputTokens % 7',
  'llm.inputTokens / 0',
  'llm.inputTokens % 0',
  '-llm.inputTokens',
  'llm.inputTokens > 100',
  'llm.inputTokens >= 812 && llm.inputTokens <= 812',
  'llm.params.temperature * 2.0',
  'llm.params.temperature > 0',
  'llm.params.top_p == 1',
  'llm.params.max_tokens == 512',
  'llm.params.max_tokens < 512.5',
  'jwt.exp > 1800000000',
  'double(llm.inputTokens) / 2.0',
  'int(llm.params.temperature * 100.0)',
  'int("42") + 1',
  'int("x")',
  'uint(5) + 1u',
  'uint(-1)',
  '9223372036854775807 + 1',
  '1.0 / 0.0',
  '0.0 / 0.0 == 0.0 / 0.0',
  'response.code >= 500',
  'response.code in [200, 201]',
  'response.code / 100 == 2',
  // lists
  'llm.prompt.size()',
  'llm.prompt.map(m, m.role)',
  'llm.prompt.map(m, m.role == "user", m.content)',
  'llm.prompt.map(m, m.content.size())',
  'llm.prompt.filter(m, m.role == "user")',
  'llm.prompt.filter(m, m.role == "user").size()',
  'llm.prompt.all(m, has(m.role))',
  'llm.prompt.exists(m, m.content == "")',
  'llm.prompt.exists_one(m, m.role == "system")',
  'llm.prompt.all(m, m.content != "")',
  'llm.prompt.map(m, m.absent)',
  'llm.completion.map(c, {"role": "assistant", "content": c})',
  'llm.completion + ["third"]',
  '"admin" in jwt.groups',
  '"root" in jwt.groups',
  'jwt.groups == ["dev", "admin"]',
  'jwt.groups.exists(g, g.startsWith("ad"))',
  'jwt.empty.size() == 0',
  'jwt.empty.exists(e, e > 0)',
  'jwt.groups[0] + jwt.groups[1]',
  'jwt.groups[2]',
  '[1, 2, 3].map(x, [x, x * x])',
  '[[1, 2], [3]].map(l, l.size())',
  '[1, 2, 3].filter(x, x > 1).map(x, x * 10)',
  '[3u, 2.0, 1].exists(x, x == 3)',
  '[1, "a", null, 2.5]',
  '[] == []',
  '[1] + [] == [1]',
  // maps
  '"top_p" in llm.params',
  '"seed" in llm.params',
  'size(llm.params)',
  'llm.params.exists(k, k == "top_p")',
  'llm.params.all(k, k.size() > 3)',
  'llm.params.filter(k, k.startsWith("t"))',
  '{"a": 1, "b": [llm.requestModel]}',
  '{"a": 1} == {"a": 1}',
  '{"a": 1, "b": 2} == {"b": 2, "a": 1}',
  '{"a": 1} == {"a": 2}',
  '{1: "x", 2: "y"}[2]',
  '{true: 1}[false]',
  '{"a": {"b": 1}}.a.b',
  '{"constructor": 1}.constructor',
  'request.headers == {}',
  // has() and conditions
  'has(llm.requestModel)',
  'has(llm.params.seed)',
  'has(request.headers.host)',
  'has(jwt.nested.a)',
  'has(jwt.nothing)',
  'has(llm.prompt[0].role)',
  'has({"a": null}.a)',
  'has(llm.params) ? llm.params.top_p : -1.0',
  'response.code >= 500 ? "error" : "ok"',
  'llm.requestModel.startsWith("claude") ? "anthropic" : (llm.requestModel.startsWith("gpt-") ? "openai" : "other")',
  'request.method == "POST" && request.path.startsWith("/v1/")',
  'request.method == "GET" || llm.streaming',
  'llm.streaming || response.code >= 500',
  '!llm.streaming',
  'jwt.sub == "user-1" && "admin" in jwt.groups && llm.inputTokens < 1000',
  'request.absent == 1 || true',
  'request.absent == 1 && false',
  'null == jwt.nothing',
  'type(llm.inputTokens) == int',
  'type(llm.params.top_p) == double',
  'type(llm.prompt) == list',
  'dyn(1) == 1.0',
  'dyn("a") == 1',
  // time
  'request.endTime - request.startTime',
  'request.endTime - request.startTime > duration("1s")',
  'request.startTime + duration("1h")',
  'request.startTime < request.endTime',
  'request.startTime.getFullYear()',
  'request.startTime.getDayOfWeek()',
  'request.startTime.getHours("+02:00")',
  'request.endTime.getMilliseconds()',
  'string(request.startTime)',
  'timestamp("2026-01-01T00:00:00Z") == request.startTime',
  'duration("1h30m").getMinutes()',
  'llm.timeToFirstToken < duration("1s")',
  'string(llm.timeToFirstToken)',
  'duration("bad")',
]

/** Where weir differs from the oracle on purpose, or the oracle from the specification; in the contexts named. */
export const KNOWN_DIFFERENCES: readonly {
  readonly expression: string
  readonly contexts: readonly string[]
  readonly reason: string
}[] = [
  {
    expression: 'request.path.split("/", 2)',
    contexts: ['chat'],
    reason: 'the strings extension keeps the rest of the text in the last part; the oracle drops it',
  },
  {
    expression: 'request.path.indexOf("/", 1)',
    contexts: ['plain'],
    reason: 'a position at the end of the text is one of its positions to the strings extension, not to the oracle',
  },
  {
    expression: 'has(jwt.nothing)',
    contexts: ['chat'],
    reason: 'a field whose value is null is there (langdef, section on has); the oracle says that it is not',
  },
  {
    expression: 'has({"a": null}.a)',
    contexts: ['chat', 'plain', 'none'],
    reason: 'as above',
  },
  {
    expression: 'string(llm.timeToFirstToken)',
    contexts: ['chat'],
    reason: 'durations have as many digits as they need, as agentgateway writes them; the oracle pads to three',
  },
]
