import fc from 'fast-check'
import { GatewayError } from '../fault.ts'
import { editRequest } from './request-edit.ts'
import { scanRequest } from './request-scan.ts'

function edited(text: string, model: string | undefined, askForUsage: boolean): string {
  const body = Buffer.from(text)
  const scan = scanRequest(body)
  if (scan instanceof GatewayError) throw scan
  return editRequest(body, scan, model, askForUsage).toString()
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
    const body = Buffer.from('{"model":"a"}')
    const scan = scanRequest(body)
    if (scan instanceof GatewayError) throw scan
    expect(editRequest(body, scan, undefined, false)).toBe(body)
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
