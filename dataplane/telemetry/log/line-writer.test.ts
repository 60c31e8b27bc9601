import { once } from 'node:events'
import { type LineSink, LineWriter } from './line-writer.ts'

/** A sink that takes a piece only when the test says so. */
class HeldSink implements LineSink {
  readonly pieces: string[] = []
  #waiting: ((lost: boolean) => void) | undefined

  write(text: string, done: (lost: boolean) => void): void {
    expect(this.#waiting).toBeUndefined()
    this.pieces.push(text)
    this.#waiting = done
  }

  take(lost = false): void {
    const done = this.#waiting
    this.#waiting = undefined
    done?.(lost)
  }
}

describe('LineWriter', () => {
  it('collects lines until there are enough bytes of them', () => {
    const sink = new HeldSink()
    const writer = new LineWriter(sink, { flushBytes: 8, flushMs: 60_000 })
    writer.write('a\n')
    writer.write('b\n')
    expect(sink.pieces).toEqual([])
    writer.write('ccc\n')
    expect(sink.pieces).toEqual(['a\nb\nccc\n'])
  })

  it('hands on a single line after its time', async () => {
    const taken = new EventTarget()
    const arrived = once(taken, 'piece')
    const writer = new LineWriter(
      {
        write(text, done) {
          done(false)
          taken.dispatchEvent(new CustomEvent('piece', { detail: text }))
        },
      },
      { flushMs: 1 },
    )
    writer.write('a\n')
    const keepAlive = setInterval(() => {}, 1000)
    const [event] = await arrived
    clearInterval(keepAlive)
    expect((event as CustomEvent).detail).toBe('a\n')
  })

  it('writes one piece at a time, in order', async () => {
    const sink = new HeldSink()
    const writer = new LineWriter(sink, { flushBytes: 4, flushMs: 60_000 })
    for (const line of ['aaa\n', 'bbb\n', 'ccc\n', 'd\n']) writer.write(line)
    expect(sink.pieces).toEqual(['aaa\n'])
    sink.take()
    expect(sink.pieces).toEqual(['aaa\n', 'bbb\nccc\nd\n'])
    const flushed = writer.flush()
    sink.take()
    await flushed
    expect(writer.dropped).toBe(0)
  })

  it('drops and counts what has no room, and goes on when there is some', async () => {
    const sink = new HeldSink()
    const writer = new LineWriter(sink, { flushBytes: 1, pendingBytes: 10 })
    for (let i = 0; i < 7; i++) writer.write(`${i}é\n`)
    expect([sink.pieces, writer.dropped]).toEqual([['0é\n'], 5])
    sink.take()
    sink.take()
    writer.write('after\n')
    const flushed = writer.flush()
    sink.take()
    await flushed
    expect([sink.pieces, writer.dropped]).toEqual([['0é\n', '1é\n', 'after\n'], 5])
    writer.write('longer than all the room there is\n')
    expect(writer.dropped).toBe(6)
  })

  it('counts the lines of a piece that the sink lost', () => {
    const sink = new HeldSink()
    const writer = new LineWriter(sink, { flushBytes: 3 })
    writer.write('a\n')
    writer.write('b\n')
    sink.take(true)
    expect(writer.dropped).toBe(2)
  })

  it('ends at the deadline when nobody takes anything, and counts what is left', async () => {
    const sink = new HeldSink()
    const writer = new LineWriter(sink, { flushBytes: 1 })
    for (const line of ['a\n', 'b\n', 'c\n']) writer.write(line)
    await writer.close(5)
    expect(writer.dropped).toBe(3)
  })

  it('ends at once when all is taken', async () => {
    const sink = new HeldSink()
    const writer = new LineWriter(sink)
    writer.write('a\n')
    const closed = writer.close(60_000)
    sink.take()
    await closed
    expect([sink.pieces, writer.dropped]).toEqual([['a\n'], 0])
    await new LineWriter(sink).close(60_000)
  })
})
