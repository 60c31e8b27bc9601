import fc from 'fast-check'
import { GatewayError } from '../fault.ts'
import { type RequestScan, scanRequest } from './request-scan.ts'

function scanned(text: string): RequestScan {
  const scan = scanRequest(Buffer.from(text))
  if (scan instanceof GatewayError) throw scan
  return scan
}

function refused(text: string): string {
  const scan = scanRequest(Buffer.from(text))
  if (!(scan instanceof GatewayError)) throw new Error('was accepted')
  expect(scan.code).toBe('invalid_request')
  return scan.message
}

describe('scanRequest', () => {
  it('finds what is outermost, and only that', () => {
    const scan = scanned(
      '{"messages":[{"role":"user","content":"say \\"model\\":\\"x\\" ","model":"inner","stream":true}],' +
        '"metadata":{"model":"inner","stream_options":{"include_usage":true}},"model":"gpt-4o","stream":false}',
    )
    expect(scan.model).toBe('gpt-4o')
    expect(scan.stream).toBe(false)
    expect(scan.includeUsage).toBe(false)
    expect(scan.streamOptions).toBeUndefined()
  })

  it.each([
    ['{"model":"gpt","stream":true}', 'gpt', true],
    ['{ "stream" : true , "model" : "" }', '', true],
    ['{"mod\\u0065l":"g\\u0070t","str\\u0065am":true}', 'gpt', true],
    ['{"model":null}', undefined, false],
    ['{"stream":"true"}', undefined, false],
    ['{"model":"a","stream":true,"model":"b","stream":false}', 'b', false],
    ['{"model":"größe-😀"}', 'größe-😀', false],
    ['\n{}\n', undefined, false],
  ])('reads %s', (text, model, stream) => {
    const scan = scanned(text)
    expect(scan.model).toBe(model)
    expect(scan.stream).toBe(stream)
  })

  it.each([
    ['{"stream_options":{"include_usage":true}}', true, 'object'],
    ['{"stream_options":{"include_usage":true,"include_usage":false}}', false, 'object'],
    ['{"stream_options":{"a":{"include_usage":true}}}', false, 'object'],
    ['{"stream_options":null}', false, 'null'],
    ['{"stream_options":[]}', false, 'other'],
    ['{"stream_options":{"include_usage" true}}', false, 'other'],
  ])('reads the options of %s', (text, includeUsage, kind) => {
    const scan = scanned(text)
    expect(scan.includeUsage).toBe(includeUsage)
    expect(scan.streamOptions?.kind).toBe(kind)
  })

  it('reads parameters as ints and doubles', () => {
    const scan = scanned(
      '{"temperature":1,"top_p":0.5,"frequency_penalty":-1e-1,"seed":-7,"max_tokens":100,"dimensions":256,' +
        '"encoding_format":"base64","presence_penalty":"high","n":2}',
    )
    expect(scan.params).toEqual({
      temperature: 1,
      top_p: 0.5,
      frequency_penalty: -0.1,
      seed: -7n,
      max_tokens: 100n,
      dimensions: 256n,
      encoding_format: 'base64',
    })
  })

  it.each([
    ['{"max_completion_tokens":5}', { max_tokens: 5n }],
    ['{"max_completion_tokens":5,"max_tokens":7}', { max_tokens: 7n }],
    ['{"seed":1.5,"max_tokens":1e999,"temperature":1e999}', {}],
    ['{"temperature":1,"temperature":null}', {}],
    ['{"seed":9007199254740993}', {}],
  ])('reads the parameters of %s', (text, params) => expect(scanned(text).params).toEqual(params))

  it('finds model, stream and options wherever JSON.parse finds them', () => {
    const value = fc.record(
      {
        model: fc.string(),
        stream: fc.boolean(),
        messages: fc.array(fc.record({ role: fc.string(), content: fc.jsonValue() })),
        stream_options: fc.record({ include_usage: fc.boolean(), other: fc.jsonValue() }, { requiredKeys: [] }),
        tools: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (request, indent) => {
        const text = JSON.stringify(request, undefined, indent)
        const scan = scanned(text)
        expect(scan.model).toBe(request.model)
        expect(scan.stream).toBe(request.stream ?? false)
        expect(scan.includeUsage).toBe(request.stream_options?.include_usage ?? false)
        const { messages } = scan
        const found = messages && JSON.parse(Buffer.from(text).toString('utf8', messages.start, messages.end))
        expect(found).toEqual(request.messages && JSON.parse(JSON.stringify(request.messages)))
      }),
    )
  })

  it('names the place where the JSON is wrong', () => {
    expect(refused('{"model":"gpt" "stream":true}')).toBe('invalid JSON at byte 15: a JSON object is expected')
    expect(refused('{"model":"gpt"')).toBe('invalid JSON at byte 14: it ends too early')
    expect(refused('{"model":"gpt"} x')).toBe('invalid JSON at byte 16: a JSON object is expected')
    expect(refused('[]')).toBe('invalid JSON at byte 0: a JSON object is expected')
    expect(refused('')).toBe('invalid JSON at byte 0: it ends too early')
  })

  it.each(['{"model":5}', '{"model":{"a":"b"}}', '{"model":["x"]}', '{"model":true}', '{"model":"\\x"}'])(
    'refuses the model of %s',
    (text) => expect(refused(text)).toBe("'model' must be a string"),
  )

  it('keeps no text that is endless', () => {
    const endless = 'x'.repeat(100_000)
    expect(refused(`{"model":"${endless}"}`)).toBe("'model' is longer than 1024 bytes")
    expect(scanned(`{"encoding_format":"${endless}","seed":${'1'.repeat(100_000)}}`).params).toEqual({})
    expect(scanned(`{"stream":"${endless}","stream_options":"${endless}"}`)).toMatchObject({ stream: false })
  })

  it('refuses a body that names its model again and again', () => {
    expect(refused(`{${Array(100).fill('"model":"x"').join(',')}}`)).toBe("the key 'model' is there too often")
  })
})
