/** The data of one server-sent event, and where in the event each of its bytes stands. */
export interface EventData {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** The offset, in the event's own bytes, of an offset in `bytes`. */
  place(offset: number): number
}

const DATA = Buffer.from('data')
const COLON = 0x3a
const SPACE = 0x20
const LINE_FEED = Buffer.from('\n')
/** The first line of a stream may begin with U+FEFF, in UTF-8 EF BB BF. */
const MARK_BYTES = 3

/**
 * The data of an event: what follows `data:` and one space, lines joined with a line feed (WHATWG HTML 9.2.6). Other
 * fields and comments are left out.
 * @param from where the event begins
 * @param lines as {@link EventSink.onEvent} gives them
 * @returns undefined when it has none
 */
export function eventData(bytes: Buffer, from: number, lines: readonly number[]): EventData | undefined {
  const ranges: number[] = []
  for (let i = 0; i < lines.length; i += 2) {
    const end = from + (lines[i + 1] as number)
    const start = valueStart(bytes, from + (lines[i] as number), end)
    if (start >= 0) ranges.push(start, end)
  }
  const [start, end] = ranges
  if (start === undefined || end === undefined) return undefined
  return ranges.length === 2 ? { bytes, start, end, place: same } : joined(bytes, ranges)
}

/** Where the value of a data line begins; -1 for every other line. */
function valueStart(bytes: Buffer, lineStart: number, end: number): number {
  const marked = bytes[lineStart] === 0xef && bytes[lineStart + 1] === 0xbb && bytes[lineStart + 2] === 0xbf
  const start = marked ? lineStart + MARK_BYTES : lineStart
  const colon = start + DATA.length
  if (colon > end || bytes.compare(DATA, 0, DATA.length, start, colon) !== 0) return -1
  if (colon === end) return end
  if (bytes[colon] !== COLON) return -1
  return bytes[colon + 1] === SPACE && colon + 1 < end ? colon + 2 : colon + 1
}

function same(offset: number): number {
  return offset
}

function joined(bytes: Buffer, ranges: readonly number[]): EventData {
  const parts: Buffer[] = []
  /** For each line: where it begins in the joined bytes, and in the event. */
  const starts: [number, number][] = []
  let length = 0
  for (let i = 0; i < ranges.length; i += 2) {
    const part = bytes.subarray(ranges[i], ranges[i + 1])
    starts.push([length, ranges[i] as number])
    parts.push(part, LINE_FEED)
    length += part.length + 1
  }
  const data = Buffer.concat(parts, length)
  const place = (offset: number): number => {
    const [begin, original] = starts.findLast(([begin]) => begin <= offset) as [number, number]
    return original + offset - begin
  }
  return { bytes: data, start: 0, end: length - 1, place }
}
