import { request } from 'node:http'
import type { Sample } from './samples.ts'

/** What came back, for people. */
export interface SampleAnswer {
  readonly status: number
  /** The answer's text, its tool calls, or its error. */
  readonly text: string
  /** `stop, 14 tokens in, 25 out`; empty when the answer says nothing of it. */
  readonly facts: string
  /** Pieces in which a stream arrived; 0 for an answer that is not streamed. */
  readonly chunks: number
}

const TIMEOUT_MS = 15_000

/** Sends one sample to a gateway, on this machine unless a host is given. @throws when there is no whole answer in time */
export async function sendSample(sample: Sample, port: number, host = '127.0.0.1'): Promise<SampleAnswer> {
  const { status, type, body } = await post(sample, host, port)
  return type.startsWith('text/event-stream') ? readStream(status, body) : readWhole(status, body)
}

function post(sample: Sample, host: string, port: number): Promise<{ status: number; type: string; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host,
        port,
        path: sample.path,
        method: 'POST',
        agent: false,
        timeout: TIMEOUT_MS,
        headers: { 'content-type': 'application/json', ...sample.headers },
      },
      (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          body += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body }),
        )
        response.on('error', reject)
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer from ${sample.path} in ${TIMEOUT_MS} ms`)))
    outgoing.on('error', reject)
    outgoing.end(JSON.stringify(sample.body))
  })
}

interface ToolCall {
  readonly function: { readonly name: string; readonly arguments: string }
}

/** What is read of an answer or of one event of a stream. */
interface Completion {
  readonly choices?: readonly {
    readonly message?: { readonly content: string | null; readonly tool_calls?: readonly ToolCall[] }
    readonly delta?: { readonly content?: string | null }
    readonly finish_reason: string | null
  }[]
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null
  readonly error?: { readonly message: string }
}

function readWhole(status: number, body: string): SampleAnswer {
  const answer = parsed(body)
  const choice = answer?.choices?.[0]
  const calls = choice?.message?.tool_calls?.map((call) => `${call.function.name}(${call.function.arguments})`)
  const text = answer?.error?.message ?? calls?.join(', ') ?? choice?.message?.content ?? body
  return { status, text, facts: factsOf(choice?.finish_reason, answer?.usage), chunks: 0 }
}

function readStream(status: number, body: string): SampleAnswer {
  const events = [...body.matchAll(/^data: (\{.*)$/gm)].map((match) => parsed(match[1] as string))
  const choices = events.flatMap((event) => event?.choices ?? [])
  const text = choices.map((choice) => choice.delta?.content ?? '').join('')
  const finish = choices.findLast((choice) => choice.finish_reason !== null)?.finish_reason
  const usage = events.findLast((event) => event?.usage)?.usage
  return { status, text, facts: factsOf(finish, usage), chunks: events.length }
}

/** undefined: no JSON, as of a server that is no model. */
function parsed(text: string): Completion | undefined {
  try {
    return JSON.parse(text) as Completion
  } catch {
    return undefined
  }
}

function factsOf(finish: string | null | undefined, usage: Completion['usage']): string {
  const tokens = usage ? [`${usage.prompt_tokens} tokens in, ${usage.completion_tokens} out`] : []
  return [...(finish ? [finish] : []), ...tokens].join(', ')
}
