import fc from 'fast-check'
import { eventData } from './event-data.ts'
import { type EventSink, EventSplitter } from './event-splitter.ts'

/** Keeps all that it is told. */
class KeepingSink implements EventSink {
  readonly data: (string | undefined)[] = []
  readonly pieces: string[] = []
  tooLarge = 0

  onEvent(bytes: Buffer, from: number, to: number, lines: readonly number[]): void {
    const data = eventData(bytes, from, lines)
    this.data.push(data?.bytes.toString('utf8', data.start, data.end))
    this.pieces.push(bytes.toString('latin1', from, to))
  }

  onEventTail(bytes: Buffer, from: number, to: number): void {
    this.pieces.push(bytes.toString('latin1', from, to))
  }

  onTooLarge(bytes: Buffer, from: number, to: number): void {
    this.tooLarge += 1
    this.pieces.push(bytes.toString('latin1', from, to))
  }
}

function split(bytes: Buffer, cuts: readonly number[] = [], maxEventBytes = 1000): KeepingSink {
  const sink = new KeepingSink()
  const splitter = new EventSplitter(maxEventBytes, sink)
  let from = 0
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    splitter.push(Buffer.from(bytes.subarray(from, cut)))
    from = cut
  }
  splitter.end()
  expect(sink.pieces.join('')).toBe(bytes.toString('latin1'))
  return sink
}

describe('EventSplitter', () => {
  it.each([
    ['data: a\n\ndata: b\n\n', ['a', 'b']],
    ['data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['data: a\r\rdata: b\r\r', ['a', 'b']],
    ['data: a\r\n\ndata: b\n\r\ndata: c\r\r\n', ['a', 'b', 'c']],
    ['data:a\n\ndata:  b\n\n', ['a', ' b']],
    ['data: a\ndata:b\ndata\ndata: c\n\n', ['a\nb\n\nc']],
    [': comment\n\nevent: x\nid: 1\ndata: a\nretry: 5\n\n', [undefined, 'a']],
    ['\ufeffdata: a\n\ndata: \ufeffb\n\n', ['a', '\ufeffb']],
    ['database: x\nda: y\n\ndata\n\n', [undefined, '']],
    ['\n\ndata: a\n\n', [undefined, undefined, 'a']],
    ['data: a\n\ndata: [DONE]', ['a', '[DONE]']],
    ['data: a\n\ndata: b\n', ['a', 'b']],
    ['', []],
  ])('splits %j wherever it is cut', (text, expected) => {
    const bytes = Buffer.from(text)
    for (let cut = 0; cut <= bytes.length; cut += 1) expect(split(bytes, [cut]).data).toEqual(expected)
    expect(split(bytes, [...bytes.keys()]).data).toEqual(expected)
  })

  it('gives the same events however the bytes are cut', () => {
    const part = fc.constantFrom('data: ', 'data:', 'x', '\n', '\r', '\r\n', '\n\n', ': c', 'event: e', 'ä', '{"a":1}')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), fc.array(fc.nat(), { maxLength: 15 }), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''))
        const at = cuts.map((cut) => cut % (bytes.length + 1))
        expect(split(bytes, at).data).toEqual(split(bytes).data)
      }),
      { numRuns: 1000 },
    )
  })

  it('tells of an event as soon as its blank line is there', () => {
    const sink = new KeepingSink()
    const splitter = new EventSplitter(1000, sink)
    splitter.push(Buffer.from('data: a\r\n\r'))
    expect(sink.data).toEqual(['a'])
    splitter.push(Buffer.from('\ndata: b\r\n'))
    expect(sink.data).toEqual(['a'])
    splitter.push(Buffer.from('\r\n'))
    expect(sink.data).toEqual(['a', 'b'])
  })

  it('lets an event pass that is too large to be held, and finds the next one', () => {
    const bytes = Buffer.from(`data: ${'x'.repeat(5000)}\ndata: y\n\ndata: b\n\n`)
    for (const cut of [500, 1500, 5006, 5007, 5008, 5014, 5015, 5016]) {
      expect(split(bytes, [10, cut, cut + 1]).data).toContain('b')
    }
    const sink = split(
      bytes,
      Array.from({ length: 100 }, (_, i) => i * 50),
    )
    expect(sink.data).toEqual(['b'])
    expect(sink.tooLarge).toBeGreaterThan(0)
  })

  it('counts an event of countless lines as too large', () => {
    const sink = split(Buffer.from(`${':\n'.repeat(10_000)}\ndata: b\n\n`), [], 1_000_000)
    expect(sink.data).toEqual(['b'])
  })
})

describe('eventData', () => {
  it('says where in the event a byte of joined data stands', () => {
    const text = 'data: {"a":1,\r\nevent: x\r\ndata:"b":2}\r\n\r\n'
    const bytes = Buffer.from(`before${text}`)
    const data = eventData(bytes, 6, [0, 13, 15, 23, 25, 36])
    if (data === undefined) throw new Error('no data')
    expect(data.bytes.toString('utf8', data.start, data.end)).toBe('{"a":1,\n"b":2}')
    for (let at = data.start; at < data.end; at += 1) {
      if (data.bytes[at] !== 0x0a) expect(bytes[data.place(at)]).toBe(data.bytes[at])
    }
  })
})
