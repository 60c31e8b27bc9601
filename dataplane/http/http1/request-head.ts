import { parseAuthority } from '../address.ts'
import type { RequestHead } from '../transport.ts'
import type { MessageHead } from './message-parser.ts'

export interface ReadHead {
  readonly head: RequestHead
  /** The value of `Expect`, which only a client of HTTP/1.1 can mean (RFC 9110 10.1.1). */
  readonly expect: string | undefined
  /** Why the request is not to be served. */
  readonly fault: string | undefined
}

/**
 * The head as policy code sees it: one Host (RFC 9112 3.2), and a target in origin form; of an absolute one the
 * authority takes the place of Host (3.2.2).
 */
export function readHead(message: MessageHead): ReadHead {
  const { method, target, httpVersion, rawHeaders } = message
  let hosts = 0
  let authority = ''
  let codings = 0
  let chunked = true
  let expect: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') {
      hosts += 1
      authority = rawHeaders[i + 1] as string
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      chunked &&= codings === 0 && (rawHeaders[i + 1] as string).toLowerCase() === 'chunked'
      codings += 1
    } else if (name.length === 6 && httpVersion === '1.1' && name.toLowerCase() === 'expect') {
      expect = (rawHeaders[i + 1] as string).toLowerCase()
    }
  }
  const head = { method, target, httpVersion, rawHeaders }
  const served = (fault: string | undefined): ReadHead => ({ head, expect, fault })
  if (hosts > 1) return served('the request has more than one Host header')
  if (hosts === 0 && httpVersion !== '1.0') return served('the request has no Host header')
  if (parseAuthority(authority) === undefined) return served('the Host header is not a host')
  // Any other coding could be read by the next hop in another way than by our parser (RFC 9112 6.1).
  if (!chunked) return served('the only transfer coding that is known is chunked')
  if (target.charCodeAt(0) === 0x2f || target === '*') return served(undefined)
  return { expect, ...originForm(head) }
}

function originForm(head: RequestHead): { head: RequestHead; fault: string | undefined } {
  const absolute = /^https?:\/\/([^/?#]+)([/?].*)?$/i.exec(head.target)
  const [, authority = '', rest = '/'] = absolute ?? []
  if (absolute === null || parseAuthority(authority) === undefined) {
    return { head, fault: 'the request target is neither a path nor a URL' }
  }
  const rawHeaders = ['Host', authority]
  for (let i = 0; i < head.rawHeaders.length; i += 2) {
    const name = head.rawHeaders[i] as string
    if (name.toLowerCase() !== 'host') rawHeaders.push(name, head.rawHeaders[i + 1] as string)
  }
  return { head: { ...head, target: rest.startsWith('/') ? rest : `/${rest}`, rawHeaders }, fault: undefined }
}
