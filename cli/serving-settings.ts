import { totalmem } from 'node:os'
import type { ListenAddress } from '../runtime/address.ts'
import { parseListenAddress } from '../runtime/address.ts'
import { type ConnectTo, parseConnectTo } from '../runtime/connect-to.ts'
import { type LogLevel, parseLogLevel } from '../runtime/log-level.ts'
import type { FlagValues, Verb } from './flags.ts'

/** What every verb that serves traffic reads from the command line and the environment. */
export interface ServingSettings {
  /** Port in a manifest → port that is listened on. */
  readonly portMap: ReadonlyMap<number, number>
  readonly connectTo: readonly ConnectTo[]
  readonly bindHost: string
  readonly admin: ListenAddress
  readonly stats: ListenAddress
  readonly readiness: ListenAddress
  readonly collectBytes: number
  readonly drainMs: number
  readonly log: LogLevel & { readonly format: 'text' | 'json' }
  readonly env: NodeJS.ProcessEnv
}

/** A value that a flag cannot have; caught once, by {@link orMessage}. */
export class WrongFlag extends Error {}

/** What `read` reads, or the message of the flag that is wrong (exit code 2). */
export function orMessage<T>(read: () => T): T | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof WrongFlag) return error.message
    throw error
  }
}

/** @throws WrongFlag */
export function servingSettings(flags: FlagValues, env: NodeJS.ProcessEnv): ServingSettings {
  return {
    portMap: new Map(flags.list('port-map').map(portPair)),
    connectTo: flags.list('connect-to').map((text) => orWrong('connect-to', parseConnectTo(text))),
    bindHost: flags.text('bind') as string,
    admin: orWrong('admin', parseListenAddress(flags.text('admin') as string)),
    stats: orWrong('stats', parseListenAddress(flags.text('stats') as string)),
    readiness: orWrong('readiness', parseListenAddress(flags.text('readiness') as string)),
    collectBytes: collectBytes(flags.text('collect-bytes')),
    drainMs: wholeNumber('drain', flags.text('drain') as string) * 1000,
    log: logSettings(flags),
    env,
  }
}

/** @throws WrongFlag */
export function logSettings(flags: FlagValues): ServingSettings['log'] {
  return {
    ...orWrong('log-level', parseLogLevel(flags.text('log-level') as string)),
    format: logFormat(flags.text('log-format') as string),
  }
}

/** @throws WrongFlag when the parser gave a message */
export function orWrong<T extends object>(flag: string, parsed: T | string): T {
  if (typeof parsed === 'string') throw new WrongFlag(`--${flag}: ${parsed}`)
  return parsed
}

/** A flag without which the verb cannot run, or the variable in its place. @throws WrongFlag when neither is there */
export function given(flags: FlagValues, verb: Verb, name: string, variable: string): string {
  const text = flags.text(name)
  if (text === undefined) throw new WrongFlag(`${verb} needs --${name} (or ${variable})`)
  return text
}

/** @throws WrongFlag */
export function wholeNumber(flag: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new WrongFlag(`--${flag}: '${text}' is no whole number`)
  return Number(text)
}

function portPair(text: string): [number, number] {
  const match = /^(\d{1,5}):(\d{1,5})$/.exec(text)
  const [from, to] = [Number(match?.[1]), Number(match?.[2])]
  if (match === null || from < 1 || from > 65535 || to > 65535)
    throw new WrongFlag(`--port-map: '${text}' is written PORT:LOCAL, for instance 80:18080`)
  return [from, to]
}

function logFormat(text: string): 'text' | 'json' {
  if (text !== 'text' && text !== 'json') throw new WrongFlag(`--log-format: '${text}' is neither text nor json`)
  return text
}

/** A quarter of what this process may use, unless the flag says. */
function collectBytes(text: string | undefined): number {
  if (text !== undefined) return wholeNumber('collect-bytes', text)
  const constrained = process.constrainedMemory()
  const limit = constrained > 0 && constrained < totalmem() ? constrained : totalmem()
  return Math.floor(limit / 4)
}
