import { type Logger, pino } from 'pino'

/** weir's own log (not the access log): one JSON or text line per event, on stderr. */
export type Log = Logger

export interface LogSettings {
  readonly level: string
  readonly format: 'text' | 'json'
}

/** A log that writes to stderr, so that stdout has the access log alone. */
export function createLog(settings: LogSettings): Log {
  const level = settings.level
  if (settings.format === 'json') return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }))
  return pino({ level, base: null }, textLines())
}

const LEVELS: { readonly [level: number]: string } = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** pino's JSON lines as `time level message key=value …`, for people. */
function textLines(): { write(line: string): void } {
  return {
    write(line) {
      const { level, time, msg, ...rest } = JSON.parse(line) as { level: number; time: number; msg?: string }
      const pairs = Object.entries(rest).map(
        ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      )
      process.stderr.write(`${new Date(time).toISOString()} ${LEVELS[level] ?? level} ${msg ?? ''}${pairs.join('')}\n`)
    },
  }
}
