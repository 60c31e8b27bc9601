import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { type ChatRig, providerAt, startChatRig } from '../../test/support/chat-rig.ts'
import { ask } from '../../test/support/client.ts'
import { COMPLETION, type ScriptedUpstream, startUpstream } from '../../test/support/upstream.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

/** A gateway in front of a provider that sends these bytes, in two writes, whatever it is asked for. */
async function rigFor(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  status = 200,
): Promise<{ rig: ChatRig; upstream: ScriptedUpstream; unread: string[] }> {
  const upstream = await startUpstream((_request, response) => {
    response.writeHead(status, headers)
    response.write(body.subarray(0, 1), () => response.end(body.subarray(1)))
  })
  open.push(upstream)
  const unread: string[] = []
  const rig = await startChatRig({
    groups: [[providerAt(upstream.port, { name: 'p' })]],
    handler: { onUnread: (reason) => unread.push(reason) },
  })
  open.push(rig)
  return { rig, upstream, unread }
}

const JSON_TYPE = { 'content-type': 'application/json' }

describe('an answer that is encoded although nobody asked for it', () => {
  it.each([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('%s passes untouched, and its facts are read', async (encoding, encode) => {
    const bytes = encode(Buffer.from(COMPLETION))
    const { rig, upstream, unread } = await rigFor(bytes, { ...JSON_TYPE, 'content-encoding': encoding })
    const answer = await ask(rig.port, { path: '/', body: '{"model":"m"}', headers: { 'accept-encoding': 'gzip' } })
    expect(upstream.requests[0]?.headers['accept-encoding']).toBe('identity')
    expect(answer.headers['content-encoding']).toBe(encoding)
    expect(answer.body.equals(bytes)).toBe(true)
    const [exchange] = await rig.recorder.untilEnded(1)
    expect(exchange?.llm).toMatchObject({ inputTokens: 12, responseId: 'chatcmpl-1', finishReasons: ['stop'] })
    expect(unread).toEqual([])
  })

  it('passes untouched as a stream, the marks of the option included', async () => {
    const stream =
      'data: {"id":"s","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":null}\n\n' +
      'data: {"id":"s","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\ndata: [DONE]\n\n'
    const bytes = gzipSync(stream)
    const { rig } = await rigFor(bytes, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
    const answer = await ask(rig.port, { path: '/', body: '{"model":"m","stream":true}' })
    expect(answer.body.equals(bytes)).toBe(true)
    const [exchange] = await rig.recorder.untilEnded(1)
    expect(exchange?.llm).toMatchObject({ inputTokens: 1, outputTokens: 2, finishReasons: ['stop'] })
    expect(exchange?.llm?.firstTokenMs).toBeGreaterThan(0)
  })

  it.each([
    ['of an unknown encoding', 'compress', Buffer.from('whatever'), 'unknown_encoding'],
    ['of several encodings', 'gzip, br', Buffer.from('whatever'), 'unknown_encoding'],
    ['that is not what it says', 'gzip', Buffer.from(COMPLETION), 'malformed'],
    ['that ends too early', 'gzip', gzipSync(COMPLETION).subarray(0, -20), 'malformed'],
  ])('%s passes untouched, and is counted', async (_what, encoding, bytes, reason) => {
    const { rig, unread } = await rigFor(bytes, { ...JSON_TYPE, 'content-encoding': encoding })
    const answer = await ask(rig.port, { path: '/', body: '{"model":"m"}' })
    expect(answer.status).toBe(200)
    expect(answer.body.equals(bytes)).toBe(true)
    await rig.recorder.untilEnded(1)
    expect(unread).toEqual([reason])
  })

  it('may be a bomb: it passes, its facts are absent, and it is counted', async () => {
    const bomb = gzipSync(
      Buffer.concat([Buffer.from('{"x":"'), Buffer.alloc(200 * 1024 * 1024, 0x61), Buffer.from('"}')]),
    )
    const { rig, unread } = await rigFor(bomb, { ...JSON_TYPE, 'content-encoding': 'gzip' })
    const answer = await ask(rig.port, { path: '/', body: '{"model":"m"}' })
    expect(answer.body.equals(bomb)).toBe(true)
    const [exchange] = await rig.recorder.untilEnded(1)
    expect(exchange?.llm?.inputTokens).toBeUndefined()
    expect(exchange?.outcome).toMatchObject({ error: undefined, cut: undefined })
    expect(unread).toEqual(['too_large'])
  })

  it('ends its record also when the client leaves in the middle', async () => {
    const bytes = gzipSync(COMPLETION)
    const upstream = await startUpstream((_request, response) => {
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' })
      response.write(bytes.subarray(0, 30))
    })
    open.push(upstream)
    const rig = await startChatRig({ groups: [[providerAt(upstream.port)]] })
    open.push(rig)
    const leaving = new AbortController()
    await fetch(`http://127.0.0.1:${rig.port}/`, { method: 'POST', body: '{"model":"m"}', signal: leaving.signal })
    leaving.abort()
    const [exchange] = await rig.recorder.untilEnded(1)
    expect(exchange?.outcome?.cut).toBe('downstream')
  })

  it('becomes an error object when it is an error of another type', async () => {
    const { rig } = await rigFor(gzipSync('<html>'), { 'content-type': 'text/html', 'content-encoding': 'gzip' }, 502)
    const answer = await ask(rig.port, { path: '/', body: '{"model":"m"}' })
    expect(answer.status).toBe(502)
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      error: { message: 'p answered 502 without saying why' },
    })
  })
})
