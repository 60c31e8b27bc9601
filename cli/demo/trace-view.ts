import { styleText } from 'node:util'
import type { AttributeValue, ReceivedSpan, ReceivedTrace } from './received-span.ts'

export interface TraceViewOptions {
  /** Print the attributes of each span too. */
  readonly attributes: boolean
  readonly colour: boolean
  /** Characters in a line; long attributes are cut there. */
  readonly width: number
}

const BAR_WIDTH = 24
const MAX_NAME_WIDTH = 56

interface Line {
  /** Lines of the tree and the name. */
  readonly label: string
  /** What stands before a line that belongs to this span. */
  readonly indent: string
  readonly span: ReceivedSpan
}

/** A trace as a tree: name, kind, bar of time, duration, status; ends with a newline. */
export function formatTrace(trace: ReceivedTrace, options: TraceViewOptions): string {
  const lines = treeOf(trace.spans)
  const [start, end] = extentOf(trace.spans)
  const nameWidth = Math.min(MAX_NAME_WIDTH, Math.max(...lines.map(({ label }) => label.length)))
  const paint = painter(options.colour)
  const count = trace.spans.length
  const head = `trace ${trace.traceId}  ${count} ${count === 1 ? 'span' : 'spans'}  ${formatDuration(end - start)}`
  const body = lines.flatMap(({ label, indent, span }) => {
    const name = fitted(label, nameWidth)
    const time = formatDuration(span.endNs - span.startNs).padStart(9)
    const bar = barOf(span, start, end)
    const line = `${paint('bold', name)}  ${span.kind.padEnd(8)} ${paint('cyan', bar)} ${time}${statusOf(span, paint)}`
    return options.attributes ? [line, ...attributeLines(span, indent, options.width, paint)] : [line]
  })
  return `${[paint('dim', head), ...body].join('\n')}\n`
}

/** When the first span started and the last one ended. */
function extentOf(spans: readonly ReceivedSpan[]): [bigint, bigint] {
  let [start, end] = [spans[0]?.startNs ?? 0n, 0n]
  for (const span of spans) {
    if (span.startNs < start) start = span.startNs
    if (span.endNs > end) end = span.endNs
  }
  return [start, end > start ? end : start]
}

type Style = 'bold' | 'dim' | 'cyan' | 'red'

function painter(colour: boolean): (style: Style, text: string) => string {
  // The caller has looked at the terminal; styleText's own look at a stream would be one too many.
  return (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text)
}

/** The spans in the order of the tree, brothers by start. A span whose parent is not here stands at the root. */
function treeOf(spans: readonly ReceivedSpan[]): Line[] {
  const ids = new Set(spans.map((span) => span.spanId))
  const children = Map.groupBy(spans, (span) => (ids.has(span.parentSpanId) ? span.parentSpanId : ''))
  const lines: Line[] = []
  const seen = new Set<ReceivedSpan>()
  const visit = (parent: string, indent: string, isRoot: boolean): void => {
    const list = [...(children.get(parent) ?? [])].sort((a, b) =>
      a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0,
    )
    list.forEach((span, index) => {
      // A sender may have used an id twice.
      if (seen.has(span)) return
      seen.add(span)
      const isLast = index === list.length - 1
      const branch = isRoot ? '' : isLast ? '└─ ' : '├─ '
      const below = isRoot ? indent : `${indent}${isLast ? '   ' : '│  '}`
      lines.push({ label: `${indent}${branch}${printable(span.name)}`, indent: below, span })
      visit(span.spanId, below, false)
    })
  }
  visit('', '', true)
  // Spans that are each other's parents hang from no root.
  for (const span of spans) if (!seen.has(span)) lines.push({ label: printable(span.name), indent: '', span })
  return lines
}

function barOf(span: ReceivedSpan, start: bigint, end: bigint): string {
  const whole = Number(end - start)
  const at = (time: bigint): number => (whole === 0 ? 0 : Math.round((Number(time - start) / whole) * BAR_WIDTH))
  const from = Math.min(at(span.startNs), BAR_WIDTH - 1)
  const to = whole === 0 ? BAR_WIDTH : Math.max(at(span.endNs), from + 1)
  return `${'·'.repeat(from)}${'█'.repeat(to - from)}${'·'.repeat(BAR_WIDTH - to)}`
}

function statusOf(span: ReceivedSpan, paint: (style: Style, text: string) => string): string {
  if (span.status === 'error') return `  ${paint('red', `error ${printable(span.statusMessage)}`.trimEnd())}`
  const code = span.attributes.find(({ key }) => key === 'http.status' || key === 'http.response.status_code')?.value
  return typeof code !== 'number' ? '' : `  ${code >= 400 ? paint('red', String(code)) : code}`
}

function attributeLines(
  span: ReceivedSpan,
  indent: string,
  width: number,
  paint: (style: Style, text: string) => string,
): string[] {
  const keyWidth = Math.min(MAX_NAME_WIDTH, Math.max(0, ...span.attributes.map(({ key }) => key.length)))
  return span.attributes.map(({ key, value }) => {
    const before = `${indent}    ${printable(key).padEnd(keyWidth)}  `
    const room = Math.max(16, width - before.length)
    return `${indent}    ${paint('dim', printable(key).padEnd(keyWidth))}  ${cut(printable(formatValue(value)), room)}`
  })
}

function formatValue(value: AttributeValue): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value)
}

function fitted(text: string, width: number): string {
  return cut(text, width).padEnd(width)
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

/** Text of a client must not move the cursor or change colours. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd')
}

/** `312 ms`, `1.24 s`, `85 µs`. */
function formatDuration(ns: bigint): string {
  const us = Number(ns) / 1000
  if (us < 1000) return `${Math.round(us)} µs`
  if (us < 1_000_000) return `${(us / 1000).toFixed(us < 10_000 ? 1 : 0)} ms`
  return `${(us / 1_000_000).toFixed(2)} s`
}
