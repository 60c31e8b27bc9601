import fc from 'fast-check'
import { encodeResponse } from '../../../test/support/otlp-decoding.ts'
import { errorMessageOf, parseJsonResponse, parseProtobufResponse, parseRpcStatus } from './export-response.ts'

const field = (tag: number, body: Uint8Array): Buffer => Buffer.concat([Buffer.from([tag, body.length]), body])

/** google.rpc.Status{code 8, message, details: [Any{type_url, value}]} */
function rpcStatus(message: string, typeUrl: string, value: Buffer): Buffer {
  const any = Buffer.concat([field(0x0a, Buffer.from(typeUrl)), field(0x12, value)])
  return Buffer.concat([Buffer.from([0x08, 8]), field(0x12, Buffer.from(message)), field(0x1a, any)])
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'

describe('parseProtobufResponse', () => {
  it('reads what OpenTelemetry writes', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.string(), (rejectedSpans, errorMessage) => {
        const bytes = encodeResponse({ rejectedSpans: String(rejectedSpans), errorMessage })
        expect(parseProtobufResponse(bytes)).toEqual({ rejectedSpans, message: errorMessage })
      }),
    )
    expect(parseProtobufResponse(encodeResponse())).toEqual({ rejectedSpans: 0, message: '' })
  })

  it('passes over fields that it does not know', () => {
    const unknown = Buffer.from([0x50, 0x96, 0x01, 0x59, 1, 2, 3, 4, 5, 6, 7, 8, 0x62, 1, 65, 0x6d, 1, 2, 3, 4])
    expect(parseProtobufResponse(unknown)).toEqual({ rejectedSpans: 0, message: '' })
  })

  it.each<[string, number[]]>([
    ['text', [...Buffer.from('<html>')]],
    ['a length beyond the end', [0x0a, 5, 1]],
    ['a varint without end', [0x08, ...Array.from({ length: 12 }, () => 0xff)]],
    ['a tag of field 0', [0x00, 1]],
    ['half a fixed64', [0x59, 1, 2, 3]],
    ['a group', [0x0b, 0x0c]],
  ])('says that %s is no response', (_name, bytes) => {
    expect(parseProtobufResponse(Buffer.from(bytes))).toBeUndefined()
  })

  it('reads any bytes without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const response = parseProtobufResponse(bytes)
        expect(response === undefined || response.rejectedSpans >= 0).toBe(true)
        parseRpcStatus(bytes)
        errorMessageOf('application/x-protobuf', bytes)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('parseJsonResponse', () => {
  it.each<[string, unknown]>([
    ['{}', { rejectedSpans: 0, message: '' }],
    ['{"partialSuccess":null}', { rejectedSpans: 0, message: '' }],
    ['{"partialSuccess":{}}', { rejectedSpans: 0, message: '' }],
    ['{"partialSuccess":{"rejectedSpans":"7","errorMessage":"old"}}', { rejectedSpans: 7, message: 'old' }],
    ['{"partial_success":{"rejected_spans":7}}', { rejectedSpans: 7, message: '' }],
    ['{"partialSuccess":{"rejectedSpans":-1}}', undefined],
    ['{"partialSuccess":{"rejectedSpans":"many"}}', undefined],
    ['{"partialSuccess":3}', undefined],
    ['[]', undefined],
    ['null', { rejectedSpans: 0, message: '' }],
    ['<html>', undefined],
  ])('%s', (text, expected) => expect(parseJsonResponse(text)).toEqual(expected))
})

describe('parseRpcStatus', () => {
  it('finds the delay of a RetryInfo', () => {
    const delay = Buffer.from([0x08, 2, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01])
    expect(parseRpcStatus(rpcStatus('full', RETRY_INFO, field(0x0a, delay)))).toEqual({
      message: 'full',
      retryDelayMs: 2500,
    })
    expect(parseRpcStatus(rpcStatus('full', RETRY_INFO, Buffer.alloc(0)))?.retryDelayMs).toBe(0)
  })

  it('takes no other detail for one', () => {
    const other = rpcStatus('full', 'type.googleapis.com/google.rpc.QuotaFailure', field(0x0a, Buffer.from([0x08, 2])))
    expect(parseRpcStatus(other)).toEqual({ message: 'full', retryDelayMs: undefined })
  })
})

describe('errorMessageOf', () => {
  it.each<[string, Buffer, string]>([
    ['application/x-protobuf', rpcStatus('bad span', '', Buffer.alloc(0)), 'bad span'],
    ['application/x-protobuf', Buffer.from('<html>'), ''],
    ['application/json; charset=utf-8', Buffer.from('{"code":3,"message":"bad span"}'), 'bad span'],
    ['application/json', Buffer.from('{"error":"x"}'), '{"error":"x"}'],
    ['text/plain', Buffer.from('bad span'), 'bad span'],
  ])('of %s', (contentType, body, expected) => expect(errorMessageOf(contentType, body)).toBe(expected))
})
