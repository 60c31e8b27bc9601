import { compileExpression } from '../../contract/cel/compile.ts'
import { celHeaders } from '../../contract/cel/data.ts'
import type { CelVariables, Program } from '../../contract/cel/program.ts'

/*
 * What thirteen typical expressions cost a request: `node test/bench/cel.ts` prints {"usPerRequest": …}, the median of
 * many rounds in microseconds of CPU. Every request has variables of its own, as in the data plane.
 */

const EXPRESSIONS = [
  'llm.requestModel',
  'llm.params.top_p',
  'llm.completion.map(c, {"role": "assistant", "content": c})',
  'llm.prompt.map(m, m.role)',
  'flatten(llm.params)',
  'default(request.headers["x-absent"], "d")',
  'has(llm.cachedInputTokens) ? llm.inputTokens - llm.cachedInputTokens : -1',
  'request.path.startsWith("/v1/") && request.method == "POST" && request.path.contains("chat")',
  'request.headers["user-agent"].matches("^(curl|python-requests|openai)/[0-9]+")',
  'llm.requestModel.startsWith("claude") ? "anthropic" : (llm.requestModel.startsWith("gpt-") ? "openai" : "other")',
  'llm.prompt.filter(m, m.role == "user").size()',
  'request.headers["x-tenant"] + "/" + llm.requestModel + ":" + string(llm.inputTokens)',
  '"admin" in jwt.groups && jwt.iss == "https://idp.example" && llm.inputTokens + llm.outputTokens < 100000',
]

const RAW_HEADERS = [
  'User-Agent',
  'openai/1.30.1',
  'X-Tenant',
  'acme',
  'Accept',
  '*/*',
  'Content-Type',
  'application/json',
]
for (let index = 0; index < 16; index++) RAW_HEADERS.push(`X-Extra-${index}`, `value-${index}`)

const PROMPT = Array.from({ length: 10 }, (_, index) => ({
  role: index % 2 === 0 ? 'user' : 'assistant',
  content: `message ${index} ${'lorem ipsum '.repeat(20)}`,
}))

function variablesOfRequest(): CelVariables {
  return {
    request: {
      method: 'POST',
      uri: 'https://gw.example/v1/chat/completions',
      host: 'gw.example',
      scheme: 'https',
      path: '/v1/chat/completions',
      pathAndQuery: '/v1/chat/completions',
      version: 'HTTP/1.1',
      headers: celHeaders(RAW_HEADERS),
    },
    response: { code: 200 },
    llm: {
      streaming: false,
      requestModel: 'gpt-4o-mini',
      responseModel: 'gpt-4o-mini-2024-07-18',
      provider: 'openai',
      inputTokens: 812,
      outputTokens: 120,
      totalTokens: 932,
      cachedInputTokens: 3,
      prompt: PROMPT,
      completion: ['Hello there', 'Second choice'],
      params: {
        temperature: 0.2,
        top_p: 0.9,
        max_tokens: 512n,
        seed: 7n,
        presence_penalty: 0,
        encoding_format: 'float',
      },
    },
    jwt: { iss: 'https://idp.example', sub: 'user-1', groups: ['dev', 'ops', 'admin'] },
    source: { address: '10.0.0.9', port: 51234 },
  }
}

function compiled(): Program[] {
  return EXPRESSIONS.map((source) => {
    const result = compileExpression(source, { phase: 'end' })
    if (!result.ok) throw new Error(`${source}: ${result.problem.message}`)
    const sample = result.program.evaluate(variablesOfRequest())
    if (!sample.ok) throw new Error(`${source}: ${sample.failure}`)
    return result.program
  })
}

const ROUNDS = 41
const REQUESTS = 2000

/** Microseconds of CPU that one request costs. */
function measure(): number {
  const programs = compiled()
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let request = 0; request < REQUESTS; request++) {
      const variables = variablesOfRequest()
      for (const program of programs) program.evaluate(variables)
    }
    const { user, system } = process.cpuUsage(before)
    rounds.push((user + system) / REQUESTS)
  }
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1] as number
}

process.stdout.write(`${JSON.stringify({ usPerRequest: Number(measure().toFixed(2)) })}\n`)
