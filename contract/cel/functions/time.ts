import type { Duration } from '@marcbachmann/cel-js/evaluator'
import { INVALID_ARGUMENT } from '../fault.ts'
import { DURATION, TIMESTAMP } from '../library.ts'
import type { CelFunction, Overload } from './table.ts'

/** Calendar fields of a point in time, at some place. */
interface Calendar {
  readonly year: number
  /** From 0. */
  readonly month: number
  /** From 1. */
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}

/** Time zones come from expressions, which may read them from data. */
const CACHED_ZONES = 32
const zones = new Map<string, Intl.DateTimeFormat>()

function zoneFormat(zone: string): Intl.DateTimeFormat {
  const known = zones.get(zone)
  if (known !== undefined) return known
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    })
  } catch (error) {
    if (error instanceof RangeError) throw INVALID_ARGUMENT
    throw error
  }
  if (zones.size >= CACHED_ZONES) zones.clear()
  zones.set(zone, format)
  return format
}

function utc(date: Date): Calendar {
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  }
}

/** At a place: a name of the IANA database, or an offset such as `+02:00` or `-8:00`. */
function calendar(date: Date, zone?: string): Calendar {
  if (zone === undefined || zone === 'UTC') return utc(date)
  const offset = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone)
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3])
    return utc(new Date(date.getTime() + (offset[1] === '-' ? -minutes : minutes) * 60_000))
  }
  const parts = new Map(
    zoneFormat(zone)
      .formatToParts(date)
      .map(({ type, value }) => [type, value]),
  )
  const number = (part: Intl.DateTimeFormatPartTypes): number => Number(parts.get(part))
  return {
    year: parts.get('era') === 'BC' ? 1 - number('year') : number('year'),
    month: number('month') - 1,
    day: number('day'),
    hour: number('hour'),
    minute: number('minute'),
    second: number('second'),
  }
}

/** Midnight UTC of the day, for counting days. */
function dayStart({ year, month, day }: Calendar): Date {
  const date = new Date(0)
  date.setUTCFullYear(year, month, day)
  return date
}

function dayOfYear(at: Calendar): number {
  return Math.round((dayStart(at).getTime() - dayStart({ ...at, month: 0, day: 1 }).getTime()) / 86_400_000)
}

function getter(name: string, read: (at: Calendar) => number, doc: string, value: string): CelFunction {
  const run = (date: Date, zone?: string): bigint => BigInt(read(calendar(date, zone)))
  return {
    name,
    replaces: true,
    overloads: [
      { receiver: TIMESTAMP, parameters: [], returns: 'int', run },
      { receiver: TIMESTAMP, parameters: ['string'], returns: 'int', run },
      ...ofDuration(name),
    ],
    doc,
    example: [`timestamp("2026-03-01T14:05:06.007Z").${name}()`, value],
  }
}

/** Names that durations have, too: the whole span in that unit. */
const DURATION_UNITS: { readonly [name: string]: (duration: Duration) => bigint } = {
  getHours: (duration) => duration.seconds / 3600n,
  getMinutes: (duration) => duration.seconds / 60n,
  getSeconds: (duration) => duration.seconds,
  getMilliseconds: (duration) => BigInt(Math.trunc(duration.nanos / 1_000_000)),
}

function ofDuration(name: string): Overload[] {
  const run = DURATION_UNITS[name]
  return run === undefined ? [] : [{ receiver: DURATION, parameters: [], returns: 'int', run }]
}

function getMilliseconds(date: Date): bigint {
  return BigInt(date.getUTCMilliseconds())
}

/** CEL's accessors of timestamps and durations; each takes a time zone, `UTC` when it is left out. */
export const TIME_FUNCTIONS: readonly CelFunction[] = [
  getter(
    'getFullYear',
    (at) => at.year,
    'the year; like all of these for a time zone such as `Europe/Berlin` or `+02:00`, UTC without one',
    '2026',
  ),
  getter('getMonth', (at) => at.month, 'the month, from 0', '2'),
  getter('getDate', (at) => at.day, 'the day of the month, from 1', '1'),
  getter('getDayOfMonth', (at) => at.day - 1, 'the day of the month, from 0', '0'),
  getter('getDayOfWeek', (at) => dayStart(at).getUTCDay(), 'the day of the week, from Sunday as 0', '0'),
  getter('getDayOfYear', dayOfYear, 'the day of the year, from 0', '59'),
  getter('getHours', (at) => at.hour, 'the hour; of a duration, all of it in hours', '14'),
  getter('getMinutes', (at) => at.minute, 'the minute; of a duration, all of it in minutes', '5'),
  getter('getSeconds', (at) => at.second, 'the second; of a duration, all of it in seconds', '6'),
  {
    name: 'getMilliseconds',
    replaces: true,
    overloads: [
      { receiver: TIMESTAMP, parameters: [], returns: 'int', run: getMilliseconds },
      { receiver: TIMESTAMP, parameters: ['string'], returns: 'int', run: getMilliseconds },
      ...ofDuration('getMilliseconds'),
    ],
    doc: 'the thousandths of the second; of a duration, those beyond whole seconds',
    example: ['timestamp("2026-03-01T14:05:06.007Z").getMilliseconds()', '7'],
  },
]
