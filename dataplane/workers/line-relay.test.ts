import { PassThrough } from 'node:stream'
import type { LineSink } from '../telemetry/log/line-writer.ts'
import { LineRelay } from './line-relay.ts'

/** A sink that takes a text when the test says so. */
class SlowSink implements LineSink {
  readonly taken: string[] = []
  readonly #waiting: { text: string; done: (lost: boolean) => void }[] = []

  write(text: string, done: (lost: boolean) => void): void {
    this.#waiting.push({ text, done })
  }

  get waiting(): number {
    return this.#waiting.length
  }

  takeOne(): void {
    const next = this.#waiting.shift()
    if (next === undefined) return
    this.taken.push(next.text)
    next.done(false)
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function drained(relay: LineRelay, sink: SlowSink): Promise<string> {
  let over = false
  const closed = relay.close(30_000).then(() => {
    over = true
  })
  while (!over) {
    sink.takeOne()
    await turn()
  }
  await closed
  return sink.taken.join('')
}

describe('LineRelay', () => {
  it('never puts a piece of one source into a line of another', async () => {
    const sink = new SlowSink()
    const relay = new LineRelay(sink)
    const sources = ['a', 'b', 'c'].map((name) => ({ name, stream: new PassThrough() }))
    for (const { stream } of sources) relay.follow(stream)
    for (let n = 0; n < 50; n++) {
      for (const { name, stream } of sources) {
        const line = `${name}${n} ${name.repeat(500)}é\n`
        const bytes = Buffer.from(line)
        // Cut anywhere, in the middle of a character too.
        const cut = (n * 37) % bytes.length
        stream.write(bytes.subarray(0, cut))
        stream.write(bytes.subarray(cut))
      }
      if (n % 7 === 0) await turn()
      if (n % 3 === 0) sink.takeOne()
    }
    for (const { stream } of sources) stream.end()
    const lines = (await drained(relay, sink)).split('\n').slice(0, -1)
    for (const { name } of sources) {
      const own = lines.filter((line) => line.startsWith(name))
      expect(own).toEqual(Array.from({ length: 50 }, (_, n) => `${name}${n} ${name.repeat(500)}é`))
    }
    expect(lines).toHaveLength(150)
    expect(relay.tornBytes).toBe(0)
  })

  it('does not read a source whose text waits', async () => {
    const sink = new SlowSink()
    const relay = new LineRelay(sink)
    const source = new PassThrough({ highWaterMark: 10 })
    relay.follow(source)
    source.write('first\n')
    await turn()
    expect(sink.waiting).toBe(1)
    expect(source.write('second, which is longer than ten bytes\n')).toBe(false)
    await turn()
    expect(sink.waiting).toBe(1)
    source.end()
    expect(await drained(relay, sink)).toBe('first\nsecond, which is longer than ten bytes\n')
  })

  it('drops and counts what a process did not write to its end', async () => {
    const sink = new SlowSink()
    const relay = new LineRelay(sink)
    const source = new PassThrough()
    relay.follow(source)
    source.write('whole\nhal')
    source.end('f')
    expect(await drained(relay, sink)).toBe('whole\n')
    expect(relay.tornBytes).toBe(4)
  })

  it('drops a line beyond all bounds, and goes on with the next', async () => {
    const sink = new SlowSink()
    const relay = new LineRelay(sink)
    const source = new PassThrough()
    relay.follow(source)
    const piece = Buffer.alloc(1024 * 1024, 'x')
    for (let n = 0; n < 10; n++) source.write(piece)
    source.end('end of it\nnext\n')
    expect(await drained(relay, sink)).toBe('next\n')
    expect(relay.tornBytes).toBe(10 * piece.length + 'end of it\n'.length)
  })

  it('waits for the last lines no longer than it is told', async () => {
    const relay = new LineRelay(new SlowSink())
    const source = new PassThrough()
    relay.follow(source)
    source.end('nobody reads\n')
    await relay.close(1)
  })
})
