import fc from 'fast-check'
import { GatewayError } from '../fault.ts'
import { BodyPieces } from '../http/body-pieces.ts'
import { editRequest } from './request-edit.ts'
import { scanRequest } from './request-scan.ts'

function bodyOf(...chunks: readonly string[]): BodyPieces {
  const body = new BodyPieces()
  for (const chunk of chunks) {
    // In memory of its own, as a socket's read is.
    const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(chunk))
    bytes.write(chunk)
    body.append(bytes, 1024 * 1024)
  }
  body.end()
  return body
}

function editedBody(body: BodyPieces, model: string | undefined, askForUsage: boolean): readonly Buffer[] {
  const scan = body.read(scanRequest)
  if (scan instanceof GatewayError) throw scan
  return editRequest(body, scan, model, askForUsage)
}

function edited(text: string, model: string | undefined, askForUsage: boolean): string {
  return Buffer.concat(editedBody(bodyOf(text), model, askForUsage)).toString()
}

describe('editRequest', () => {
  it.each([
    ['{ "model" : "a" , "x":1}', 'b', false, '{ "model" : "b" , "x":1}'],
    ['{"model":"a","x":1,"model":"c"}', 'b', false, '{"model":"b","x":1,"model":"b"}'],
    ['{"model":null}', 'b', false, '{"model":"b"}'],
    ['{ "x":1}', 'b"\\', false, '{"model":"b\\"\\\\", "x":1}'],
    ['{}', 'b', false, '{"model":"b"}'],
    ['{"x":1}', undefined, true, '{"stream_options":{"include_usage":true},"x":1}'],
    ['{}', 'b', true, '{"model":"b","stream_options":{"include_usage":true}}'],
    ['{"stream_options": null}', undefined, true, '{"stream_options": {"include_usage":true}}'],
    ['{"stream_options": { }}', undefined, true, '{"stream_options": {"include_usage":true }}'],
    ['{"stream_options":{"a":1}}', undefined, true, '{"stream_options":{"include_usage":true,"a":1}}'],
    [
      '{"stream_options":{"include_usage":false,"a":1}}',
      undefined,
      true,
      '{"stream_options":{"include_usage":true,"a":1}}',
    ],
    ['{"stream_options":"x"}', undefined, true, '{"stream_options":"x"}'],
    [
      '{"x":1,"model":"ä","stream_options":null,"y":"ö"}',
      'm',
      true,
      '{"x":1,"model":"m","stream_options":{"include_usage":true},"y":"ö"}',
    ],
  ])('%s with %j, usage %s', (text, model, askForUsage, expected) => {
    expect(edited(text, model, askForUsage)).toBe(expected)
  })

  it('gives back the very same bytes when nothing changes', () => {
    const body = bodyOf('{"model":"a"}')
    expect(editedBody(body, undefined, false)).toBe(body.pieces)
  })

  it('edits across pieces, and copies none of them', () => {
    const pad = 'x'.repeat(10_000)
    const body = bodyOf(`{"a":"${pad}","mod`, `el":"b","c":"${pad}"}`)
    const parts = editedBody(body, 'm', false)
    expect(Buffer.concat(parts).toString()).toBe(`{"a":"${pad}","model":"m","c":"${pad}"}`)
    const memory = new Set(body.pieces.map((piece) => piece.buffer))
    expect(parts.filter((part) => !memory.has(part.buffer)).map(String)).toEqual(['"m"'])
  })

  it('changes nothing but what it was asked to', () => {
    const value = fc.record(
      {
        messages: fc.jsonValue(),
        model: fc.option(fc.string()),
        stream_options: fc.option(fc.dictionary(fc.constantFrom('include_usage', 'a', 'b'), fc.boolean())),
        zoo: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(value, fc.string(), fc.boolean(), fc.constantFrom(undefined, 1), (request, model, ask, indent) => {
        const before = JSON.parse(JSON.stringify(request)) as { [key: string]: unknown }
        const after = JSON.parse(edited(JSON.stringify(request, undefined, indent), model, ask)) as object
        const options = before['stream_options'] as object | null | undefined
        expect(after).toEqual({
          ...before,
          model,
          ...(ask && { stream_options: { ...options, include_usage: true } }),
        })
      }),
    )
  })
})
