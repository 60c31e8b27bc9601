import type { IncomingMessage } from 'node:http'
import { type Call, callName } from './api-connection.ts'
import { errorFromStatus, KubeError, type LocalReason } from './kube-error.ts'
import { LineSplitter } from './line-splitter.ts'

/** What to follow, and from where on. */
export interface WatchQuery {
  readonly resourceVersion: string
  readonly labelSelector?: string | undefined
  /** Objects are PartialObjectMetadata. */
  readonly metadataOnly?: boolean
  /** The server ends the watch after this. */
  readonly timeoutSeconds: number
  /** Without a byte for this long the watch counts as lost. */
  readonly silenceMs: number
}

/** One line of a watch; BOOKMARK's object has nothing but a resourceVersion. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: unknown
}

const EVENT_TYPES: readonly string[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'] satisfies WatchEvent['type'][]

interface Reading {
  readonly call: Call
  readonly silenceMs: number
  readonly maxLineBytes: number
  readonly onEvent: (event: WatchEvent) => void
}

/**
 * Reads a watch to its end. Every whole line has been given to `onEvent` before the promise settles; the first line
 * that is no event ends the reading, because what it said is lost. An error thrown by `onEvent` is a bug and is thrown on.
 */
export function readWatch(response: IncomingMessage, reading: Reading): Promise<void> {
  const { call, silenceMs, maxLineBytes, onEvent } = reading
  const splitter = new LineSplitter(maxLineBytes)
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      settle()
      response.destroy()
    }
    const fail = (reason: LocalReason, message: string): void =>
      end(() => reject(new KubeError(`watch ${callName(call)}: ${message}`, { status: 0, reason })))
    const timer = setTimeout(() => fail('Silent', `nothing came for ${silenceMs} ms`), silenceMs)
    response.on('data', (chunk: Buffer) => {
      timer.refresh()
      try {
        if (!splitter.push(chunk, (line) => onEvent(eventOf(call, line)))) {
          fail('TooLarge', `an event is longer than ${maxLineBytes} bytes`)
        }
      } catch (error) {
        end(() => reject(error))
      }
    })
    response.on('end', () => {
      if (splitter.pendingBytes === 0) end(resolve)
      else fail('Broken', 'it ended inside an event')
    })
    response.on('error', (error) => {
      if (call.signal?.aborted === true) end(() => reject(call.signal?.reason))
      else fail('Broken', error.message)
    })
  })
}

function eventOf(call: Call, line: string): WatchEvent {
  const { type, object } = parsedEvent(call, line)
  if (type === 'ERROR') {
    const { code } = (object ?? {}) as { readonly code?: unknown }
    throw errorFromStatus(`watch ${callName(call)}`, typeof code === 'number' ? code : 500, object)
  }
  if (!EVENT_TYPES.includes(type)) throw malformed(call, 'an event of an unknown type')
  return { type: type as WatchEvent['type'], object }
}

function parsedEvent(call: Call, line: string): { readonly type: string; readonly object: unknown } {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    // The parser's words quote what it read, which may be a secret.
    throw malformed(call, 'an event that is no JSON')
  }
  const { type, object } = (value ?? {}) as { readonly type?: unknown; readonly object?: unknown }
  if (typeof type !== 'string') throw malformed(call, 'an event without a type')
  return { type, object }
}

function malformed(call: Call, what: string): KubeError {
  return new KubeError(`watch ${callName(call)}: ${what}`, { status: 0, reason: 'Malformed' })
}
