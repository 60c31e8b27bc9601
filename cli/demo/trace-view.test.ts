import { stripVTControlCharacters } from 'node:util'
import type { ReceivedSpan } from './received-span.ts'
import { formatTrace } from './trace-view.ts'

const MS = 1_000_000n

function span(fields: Partial<ReceivedSpan> & { spanId: string }): ReceivedSpan {
  return {
    traceId: 'a'.repeat(32),
    parentSpanId: '',
    name: fields.spanId,
    kind: 'internal',
    startNs: 0n,
    endNs: 0n,
    status: 'unset',
    statusMessage: '',
    service: 'weir',
    attributes: [],
    ...fields,
  }
}

const PLAIN = { attributes: false, colour: false, width: 100 }

function view(spans: readonly ReceivedSpan[], options = PLAIN): string[] {
  return formatTrace({ traceId: 'a'.repeat(32), spans }, options)
    .trimEnd()
    .split('\n')
}

const TREE = [
  span({
    spanId: 'second',
    parentSpanId: 'root',
    kind: 'client',
    startNs: 50n * MS,
    endNs: 100n * MS,
    status: 'error',
    statusMessage: 'reset',
  }),
  span({
    spanId: 'root',
    kind: 'server',
    name: 'POST /chat',
    endNs: 100n * MS,
    attributes: [{ key: 'http.status', value: 200 }],
  }),
  span({ spanId: 'first', parentSpanId: 'root', kind: 'client', startNs: 0n, endNs: 50n * MS }),
  span({ spanId: 'below', parentSpanId: 'first', startNs: 25n * MS, endNs: 25n * MS + 85_000n }),
]

describe('formatTrace', () => {
  it('draws the tree in the order of time, with bars to scale', () => {
    expect(view(TREE)).toEqual([
      `trace ${'a'.repeat(32)}  4 spans  100 ms`,
      'POST /chat   server   ████████████████████████    100 ms  200',
      '├─ first     client   ████████████············     50 ms',
      '│  └─ below  internal ······█·················     85 µs',
      '└─ second    client   ············████████████     50 ms  error reset',
    ])
  })

  it('prints attributes in their order below their span', () => {
    const attributes = [
      { key: 'b', value: 'text' },
      { key: 'a.long', value: 1.5 },
      { key: 'list', value: ['x', 1] },
    ]
    expect(view([span({ spanId: 's', attributes })], { ...PLAIN, attributes: true }).slice(2)).toEqual([
      '    b       "text"',
      '    a.long  1.5',
      '    list    ["x",1]',
    ])
  })

  it('cuts what is too long for a line', () => {
    const attributes = [{ key: 'k', value: 'x'.repeat(500) }]
    const lines = view([span({ spanId: 's', name: 'n'.repeat(90), attributes })], {
      ...PLAIN,
      attributes: true,
      width: 80,
    })
    expect(lines[1]).toContain(`${'n'.repeat(55)}…  internal`)
    expect(lines[2]).toHaveLength(80)
    expect(lines[2]?.endsWith('…')).toBe(true)
  })

  it("shows spans whose parent is elsewhere or that are each other's parents", () => {
    const lines = view([
      span({ spanId: 'lost', parentSpanId: 'nowhere' }),
      span({ spanId: 'x', parentSpanId: 'y' }),
      span({ spanId: 'y', parentSpanId: 'x' }),
      span({ spanId: 'self', parentSpanId: 'self' }),
    ])
    expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual(['lost', 'x', 'y', 'self'])
  })

  it('lets no text of a client reach the terminal as a command', () => {
    const attributes = [{ key: 'k\u001b[1m', value: 'v\u001b[2J\u009b' }]
    const text = view([span({ spanId: 's', name: 'a\u001b[31m\nb', attributes })], { ...PLAIN, attributes: true })
    expect(text).toHaveLength(3)
    expect(text.join('')).not.toMatch(/\p{Cc}/u)
  })

  it('has colours only when asked', () => {
    const colours = formatTrace({ traceId: 'a', spans: TREE }, { ...PLAIN, colour: true })
    expect(colours).toContain('\u001b[31merror reset')
    expect(stripVTControlCharacters(colours)).toBe(formatTrace({ traceId: 'a', spans: TREE }, PLAIN))
  })
})
