import type { BodyPieces } from '../http/body-pieces.ts'
import type { Range, RequestScan } from './request-scan.ts'

/** Bytes to put in place of a part of the body. */
interface Edit {
  readonly at: Range
  readonly text: string
}

const INCLUDE_USAGE = '"include_usage":true'

/**
 * The body with what the gateway changes spliced in; every other byte stays as it was, and where it was.
 * @param model replaces the client's; undefined: it stays
 * @param askForUsage sets `stream_options.include_usage`
 */
export function editRequest(
  body: BodyPieces,
  scan: RequestScan,
  model: string | undefined,
  askForUsage: boolean,
): readonly Buffer[] {
  const edits: Edit[] = []
  const added: string[] = []
  if (model !== undefined) {
    const text = JSON.stringify(model)
    for (const at of scan.modelValues) edits.push({ at, text })
    if (scan.modelValues.length === 0) added.push(`"model":${text}`)
  }
  if (askForUsage) {
    const edit = usageEdit(scan)
    if (edit !== undefined) edits.push(edit)
    if (scan.streamOptions === undefined) added.push(`"stream_options":{${INCLUDE_USAGE}}`)
  }
  if (added.length > 0) {
    const at = { start: scan.bodyStart, end: scan.bodyStart }
    edits.push({ at, text: added.join(',') + (scan.hasMembers ? ',' : '') })
  }
  return edits.length === 0 ? body.pieces : splice(body, edits)
}

/** What asks for usage inside the client's own `stream_options`; what is no object is the provider's to complain about. */
function usageEdit({ streamOptions: place }: RequestScan): Edit | undefined {
  if (place === undefined || place.kind === 'other') return undefined
  if (place.kind === 'null') return { at: place.value, text: `{${INCLUDE_USAGE}}` }
  if (place.includeUsageValue !== undefined) return { at: place.includeUsageValue, text: 'true' }
  const inside = place.value.start + 1
  return { at: { start: inside, end: inside }, text: INCLUDE_USAGE + (place.hasMembers ? ',' : '') }
}

function splice(body: BodyPieces, edits: Edit[]): Buffer[] {
  edits.sort((a, b) => a.at.start - b.at.start)
  const parts: Buffer[] = []
  let from = 0
  for (const { at, text } of edits) {
    parts.push(...body.slice(from, at.start), Buffer.from(text))
    from = at.end
  }
  parts.push(...body.slice(from, body.length))
  return parts
}
