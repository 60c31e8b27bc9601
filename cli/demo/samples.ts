/** One request that the demo shows. */
export interface Sample {
  readonly title: string
  readonly path: string
  /** Beside `content-type: application/json`. */
  readonly headers: { readonly [name: string]: string }
  readonly body: object
  /** The status that it must get. */
  readonly status: number
}

function ask(content: string, more: object = {}): object {
  return { model: 'gpt-4o-mini', messages: [{ role: 'user', content }], ...more }
}

const LOOKUP = {
  type: 'function',
  function: {
    name: 'river_level',
    description: 'Level of a river at a gauge',
    parameters: { type: 'object', properties: { input: { type: 'string' } } },
  },
}

const CHAT = '/v1/chat/completions'

/** The requests of `weir demo --once`; each shows something that the ones before do not. */
export const SAMPLES: readonly Sample[] = [
  { title: 'a chat', path: CHAT, headers: { 'x-tenant': 'blue' }, body: ask('What is a weir?'), status: 200 },
  { title: 'a streamed answer', path: CHAT, headers: {}, body: ask('Tell me more.', { stream: true }), status: 200 },
  {
    title: 'a tool call',
    path: CHAT,
    headers: {},
    body: ask('How high is the Aare?', { tools: [LOOKUP] }),
    status: 200,
  },
  {
    title: "the backend's model instead of the client's",
    path: '/gemini',
    headers: {},
    body: { ...ask('And what is a sluice?'), model: '' },
    status: 200,
  },
  {
    title: 'a fallback: the first provider is overloaded, the second answers',
    path: '/fallback',
    headers: {},
    body: ask('Is anybody there?'),
    status: 200,
  },
  { title: 'an error of the provider', path: CHAT, headers: {}, body: ask('Please fail with 429.'), status: 429 },
  {
    title: "a caller with a trace of its own: weir's span joins it",
    path: CHAT,
    headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    body: ask('Where does the water go?'),
    status: 200,
  },
]

/** The sample as a command that does the same. */
export function curlOf(sample: Sample, port: number): string {
  const headers = Object.entries({ 'content-type': 'application/json', ...sample.headers })
  return [
    `curl -sN localhost:${port}${sample.path}`,
    ...headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    `-d ${quoted(JSON.stringify(sample.body))}`,
  ].join(' \\\n  ')
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
