/** What a log level setting says: the level of weir's own log, and whether the access log is written. */
export interface LogLevel {
  /** pino's name of the level; `silent` for off. */
  readonly level: string
  readonly accessLog: boolean
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error']

/**
 * Reads `info`, `off`, or the documented list form `info,request=off`. Directives for parts that weir does not have
 * are accepted and mean nothing, as they come with documents written for another proxy.
 * @returns a message instead, when a level is none
 */
export function parseLogLevel(text: string): LogLevel | string {
  let level = 'info'
  let accessLog = true
  for (const directive of text.split(',').map((part) => part.trim().toLowerCase())) {
    const [target, value] = directive.includes('=')
      ? (directive.split('=', 2) as [string, string])
      : [undefined, directive]
    if (value !== 'off' && !LEVELS.includes(value))
      return `'${value}' is no log level; there is ${LEVELS.join(', ')}, off`
    if (target === undefined) level = value === 'off' ? 'silent' : value
    if (target === 'request') accessLog = value !== 'off'
  }
  return { level, accessLog }
}
