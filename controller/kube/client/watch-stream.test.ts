import { failure, KubeApi } from '../../../test/support/kube-api.ts'
import { KubeClient } from './kube-client.ts'
import { KubeError } from './kube-error.ts'
import type { WatchEvent } from './watch-stream.ts'

const QUERY = { resourceVersion: '1', timeoutSeconds: 60, silenceMs: 10_000 }

let api: KubeApi
let client: KubeClient

beforeEach(async () => {
  api = await KubeApi.start()
  client = new KubeClient({ access: api.access, maxLineBytes: 200 })
})

afterEach(async () => {
  client.close()
  await api.close()
})

/** What a watch gives and how it ends, when the server sends these pieces and then ends or breaks off. */
async function watched(
  pieces: readonly Buffer[],
  end: 'end' | 'cut' | 'hang',
  silenceMs = 10_000,
): Promise<{ events: readonly WatchEvent[]; error: unknown }> {
  api.script = () => (response) => {
    response.writeHead(200)
    response.flushHeaders()
    const next = (index: number): void => {
      const piece = pieces[index]
      if (piece !== undefined) response.write(piece, () => next(index + 1))
      else if (end === 'end') response.end()
      else if (end === 'cut') response.destroy()
    }
    next(0)
  }
  const events: WatchEvent[] = []
  const onEvent = (event: WatchEvent): void => void events.push(event)
  const error = await client.watch('/api/v1/secrets', { ...QUERY, silenceMs }, { onEvent }).catch((thrown) => thrown)
  return { events, error }
}

const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`

describe('watch', () => {
  const lines = [
    line('ADDED', { metadata: { name: 'ä' } }),
    '\n',
    line('MODIFIED', { metadata: { name: '🦊' } }),
    line('BOOKMARK', { metadata: { resourceVersion: '7' } }),
    line('DELETED', { metadata: { name: 'b' } }),
  ]
  const stream = Buffer.from(lines.join(''))
  const expected = lines.filter((text) => text !== '\n').map((text) => JSON.parse(text) as WatchEvent)

  it('gives the same events wherever the stream is torn into pieces', async () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const { events, error } = await watched([stream.subarray(0, cut), stream.subarray(cut)], 'end')
      expect([events, error]).toEqual([expected, undefined])
    }
  })

  it('gives every whole event, and says that it broke, wherever the stream is cut off', async () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const whole = stream.subarray(0, cut).toString('latin1').split('\n').slice(0, -1).filter(Boolean).length
      const broken = await watched([stream.subarray(0, cut)], 'cut')
      expect(broken.events).toEqual(expected.slice(0, whole))
      expect(broken.error).toMatchObject({ reason: 'Broken' })
      const ended = await watched([stream.subarray(0, cut)], 'end')
      expect(ended.events).toEqual(expected.slice(0, whole))
      const isBetween = cut === 0 || stream[cut - 1] === 0x0a
      expect(ended.error).toEqual(isBetween ? undefined : expect.objectContaining({ reason: 'Broken' }))
    }
  })

  it.each([
    ['no JSON', 'ADDED\n', 'Malformed'],
    ['no type', '{"object":{}}\n', 'Malformed'],
    ['no object', 'null\n', 'Malformed'],
    ['an unknown type', '{"type":"RENAMED"}\n', 'Malformed'],
    ['a line without end', 'x'.repeat(300), 'TooLarge'],
    ['a long line', line('ADDED', 'x'.repeat(300)), 'TooLarge'],
  ])('ends with an error at %s, which does not repeat it', async (_, text, reason) => {
    const { events, error } = await watched([Buffer.from(lines[0] + text)], 'hang')
    expect(events).toEqual(expected.slice(0, 1))
    expect(error).toMatchObject({ reason })
    expect((error as Error).message).not.toMatch(/xxx|RENAMED/)
  })

  it('tells what an ERROR says', async () => {
    const { error } = await watched([Buffer.from(line('ERROR', failure(410, 'Expired', 'too old').body))], 'hang')
    expect(error).toMatchObject({ status: 410, reason: 'Expired' })
  })

  it('ends when nothing comes', async () => {
    const { error } = await watched([Buffer.from(lines[0] as string)], 'hang', 50)
    expect(error).toMatchObject({ reason: 'Silent' })
  })

  it('ends when the caller aborts', async () => {
    const abort = new AbortController()
    const reason = new Error('enough')
    api.script = () => (response) => void response.writeHead(200).write(lines[0])
    const onEvent = (): void => abort.abort(reason)
    await expect(client.watch('/api/v1/secrets', QUERY, { onEvent, signal: abort.signal })).rejects.toBe(reason)
  })

  it('rejects when the server will not have it', async () => {
    api.script = () => failure(403, 'Forbidden')
    const error = await client.watch('/api/v1/secrets', QUERY, { onEvent: () => {} }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(KubeError)
    expect(error).toMatchObject({ status: 403 })
  })
})
