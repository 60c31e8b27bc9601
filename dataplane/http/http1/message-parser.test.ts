import fc from 'fast-check'
import { type MessageHead, MessageParser } from './message-parser.ts'

interface Message {
  readonly head: Omit<MessageHead, 'bodyLength'>
  readonly body: string
  readonly trailers: readonly string[]
}

const LIMITS = { headerBytes: 4096 }

/** Reads a text in pieces, as a connection does. */
function messagesOf(type: 'request' | 'response', text: string, cuts: readonly number[], skipBody = false): Message[] {
  const parser = new MessageParser(type, LIMITS)
  parser.skipBody = skipBody
  const messages: Message[] = []
  let head: MessageHead | undefined
  let body = ''
  const complete = (): void => {
    const { bodyLength: _, ...rest } = head as MessageHead
    messages.push({ head: rest, body, trailers: parser.trailers })
    head = undefined
    body = ''
  }
  const bounds = [0, ...[...cuts].sort((a, b) => a - b), text.length]
  for (let i = 0; i + 1 < bounds.length; i++) {
    let rest = Buffer.from(text.slice(bounds[i], bounds[i + 1]), 'latin1')
    while (rest.length > 0) {
      const taken = parser.execute(rest)
      if (taken < 0) throw new Error(parser.failure)
      head = parser.head ?? head
      for (const piece of parser.body) body += piece.toString('latin1')
      if (parser.complete) complete()
      rest = rest.subarray(taken)
    }
  }
  if (head !== undefined && parser.finish()) complete()
  parser.free()
  return messages
}

const failureOf = (type: 'request' | 'response', text: string): string => {
  try {
    messagesOf(type, text, [])
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

const REQUESTS =
  'GET /a?b HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nx-space: 1 \t\r\nX-Latin: \xe4\r\n\r\n' +
  'POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello' +
  'PUT /d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n1\r\n!\r\n0\r\nT: v\r\nU: \r\n\r\n' +
  'GET /e HTTP/1.0\r\n\r\n'

const RESPONSES =
  'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n' +
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc' +
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n' +
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n' +
  'HTTP/1.1 200 OK\r\nX: until the end\r\n\r\nfgh'

describe('MessageParser', () => {
  it('reads requests', () => {
    const [a, c, d, e] = messagesOf('request', REQUESTS, [])
    expect(a).toEqual({
      head: {
        method: 'GET',
        target: '/a?b',
        status: 0,
        httpVersion: '1.1',
        rawHeaders: ['Host', 'h', 'X-Empty', '', 'x-space', '1', 'X-Latin', '\xe4'],
        keepAlive: true,
      },
      body: '',
      trailers: [],
    })
    expect(c?.body).toBe('hello')
    expect(d).toMatchObject({ head: { method: 'PUT' }, body: 'hello!', trailers: ['T', 'v', 'U', ''] })
    expect(e?.head).toMatchObject({ httpVersion: '1.0', keepAlive: false })
  })

  it('reads responses', () => {
    const found = messagesOf('response', RESPONSES, [])
    expect(found.map(({ head, body }) => `${head.status} ${body}`)).toEqual([
      '103 ',
      '200 abc',
      '304 ',
      '200 de',
      '200 fgh',
    ])
    expect(found.at(-1)?.head.keepAlive).toBe(false)
  })

  it('reads the same wherever the bytes are cut', () => {
    for (const [type, text] of [
      ['request', REQUESTS],
      ['response', RESPONSES],
    ] as const) {
      const whole = messagesOf(type, text, [])
      for (let cut = 1; cut < text.length; cut++) expect(messagesOf(type, text, [cut])).toEqual(whole)
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 30 }), (cuts) => {
          expect(messagesOf(type, text, cuts)).toEqual(whole)
        }),
      )
    }
  })

  it('takes no body where there is none', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n'
    expect(messagesOf('response', text, [], true).map(({ body }) => body)).toEqual([''])
  })

  it('bounds heads, and what stands between chunks', () => {
    expect(failureOf('request', `GET / HTTP/1.1\r\nHost: h\r\na: ${'x'.repeat(5000)}\r\n\r\n`)).toBe(
      'HEADERS_TOO_LARGE',
    )
    const chunked = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(failureOf('request', `${chunked}1;${'x'.repeat(30_000)}`)).toBe('CHUNK_OVERHEAD')
    expect(failureOf('request', `${chunked}${'1\r\nx\r\n'.repeat(30_000)}0\r\n\r\n`)).toBe('')
  })

  it('says that a message broke off', () => {
    const parser = new MessageParser('request', LIMITS)
    expect(parser.finish()).toBe(true)
    parser.execute(Buffer.from('GET / HT'))
    expect(parser.finish()).toBe(false)
    parser.free()
    const body = new MessageParser('request', LIMITS)
    body.execute(Buffer.from('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n'))
    body.execute(Buffer.from('a'))
    expect(body.finish()).toBe(false)
    body.free()
  })

  it('says when the sender wants to go on in another protocol', () => {
    const parser = new MessageParser('request', LIMITS)
    const text = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'
    expect(parser.execute(Buffer.from(`${text}more`))).toBe(text.length)
    expect([parser.complete, parser.upgrade]).toEqual([true, true])
    parser.free()
  })
})
