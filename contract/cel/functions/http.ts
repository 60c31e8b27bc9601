import { INVALID_ARGUMENT, NO_SUCH_KEY } from '../fault.ts'
import { chargeReading, chargeText } from '../meter.ts'
import { regexMatches, regexReplaceFirst } from '../regex.ts'
import type { CelFunction } from './table.ts'

/** Headers whose values are credentials. */
const SENSITIVE = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'x-amz-security-token',
])

type HeaderValues = (values: readonly string[], name: string) => string | readonly string[]

/** A copy of a header view whose values are made anew from the list of a header's values. */
function eachHeader(headers: object, values: HeaderValues): Map<string, unknown> {
  const made = new Map<string, unknown>()
  for (const [name, value] of headers instanceof Map ? headers : Object.entries(headers)) {
    const list = Array.isArray(value) ? value : [value]
    if (!list.every((element) => typeof element === 'string')) throw INVALID_ARGUMENT
    chargeReading(list.length * 16)
    made.set(String(name), values(list, String(name)))
  }
  return made
}

const redact: HeaderValues = (values, name) => {
  const kept = SENSITIVE.has(name.toLowerCase()) ? values.map(() => '<redacted>') : values
  return kept.length === 1 ? (kept[0] as string) : kept
}

const splitAtCommas: HeaderValues = (values) => values.flatMap((value) => value.split(',').map((part) => part.trim()))

/** RFC 6265 section 4.2: the first cookie of that name. @throws CelFault when there is none */
function cookie(headers: object, wanted: string): string {
  const value = headers instanceof Map ? headers.get('cookie') : (headers as Record<string, unknown>)['cookie']
  for (const line of Array.isArray(value) ? value : [value]) {
    if (typeof line !== 'string') continue
    chargeReading(line.length)
    for (const pair of line.split(';')) {
      const equals = pair.indexOf('=')
      if (equals >= 0 && pair.slice(0, equals).trim() === wanted) {
        return pair
          .slice(equals + 1)
          .trim()
          .replace(/^"(.*)"$/, '$1')
      }
    }
  }
  throw NO_SUCH_KEY
}

/** A URI, or a path with its query, cut into what stands before the query, the query, and the fragment. */
function cutUri(uri: string): { before: string; query: string; fragment: string } {
  chargeReading(uri.length)
  const hash = uri.indexOf('#')
  const main = hash < 0 ? uri : uri.slice(0, hash)
  const mark = main.indexOf('?')
  return {
    before: mark < 0 ? main : main.slice(0, mark),
    query: mark < 0 ? '' : main.slice(mark + 1),
    fragment: hash < 0 ? '' : uri.slice(hash),
  }
}

function queryValues(uri: string, name: string): string[] {
  const values = new URLSearchParams(cutUri(uri).query).getAll(name)
  if (values.length === 0) throw NO_SUCH_KEY
  return values
}

function withQuery(uri: string, change: (query: URLSearchParams) => void): string {
  const { before, query, fragment } = cutUri(uri)
  const fields = new URLSearchParams(query)
  change(fields)
  const text = `${before}?${fields}${fragment}`
  chargeText(text.length)
  return text
}

function addQuery(uri: string, name: string, value: string): string {
  return withQuery(uri, (query) => query.append(name, value))
}

function setQuery(uri: string, name: string, value: string): string {
  return withQuery(uri, (query) => query.set(name, value))
}

/** Headers, URIs, and regular expressions. */
export const HTTP_FUNCTIONS: readonly CelFunction[] = [
  {
    name: 'redacted',
    overloads: [
      {
        receiver: 'map',
        parameters: [],
        returns: 'map<string, dyn>',
        run: (headers: object) => eachHeader(headers, redact),
      },
    ],
    doc: 'headers with `<redacted>` in the place of credentials (`authorization`, `cookie`, `x-api-key` …)',
    example: ['{"authorization": "Bearer x", "a": "b"}.redacted()', '{"authorization":"<redacted>","a":"b"}'],
  },
  {
    name: 'join',
    overloads: [
      {
        receiver: 'map',
        parameters: [],
        returns: 'map<string, dyn>',
        run: (headers: object) => eachHeader(headers, (values) => values.join(',')),
      },
    ],
    doc: 'headers with each value as one text, joined by commas',
    example: ['{"accept": ["a", "b"]}.join()', '{"accept":"a,b"}'],
  },
  {
    name: 'raw',
    overloads: [
      {
        receiver: 'map',
        parameters: [],
        returns: 'map<string, dyn>',
        run: (headers: object) => eachHeader(headers, (values) => values),
      },
    ],
    doc: 'headers with each value as a list, as received',
    example: ['{"accept": "a, b"}.raw()', '{"accept":["a, b"]}'],
  },
  {
    name: 'split',
    overloads: [
      {
        receiver: 'map',
        parameters: [],
        returns: 'map<string, dyn>',
        run: (headers: object) => eachHeader(headers, splitAtCommas),
      },
    ],
    doc: 'headers with each value as a list, cut at commas',
    example: ['{"accept": "a, b"}.split()', '{"accept":["a","b"]}'],
  },
  {
    name: 'cookie',
    overloads: [{ receiver: 'map', parameters: ['string'], returns: 'string', run: cookie }],
    doc: 'the value of a cookie in the `cookie` header; an error that `default` catches when there is none',
    example: ['{"cookie": "a=1; b=2"}.cookie("b")', '"2"'],
  },
  {
    name: 'query',
    overloads: [{ receiver: 'string', parameters: ['string'], returns: 'list<string>', run: queryValues }],
    doc: 'the values of a parameter in the query of a URI; an error that `default` catches when it has none',
    example: ['"/v1?a=1&b=2&a=3".query("a")', '["1","3"]'],
  },
  {
    name: 'addQuery',
    overloads: [{ receiver: 'string', parameters: ['string', 'string'], returns: 'string', run: addQuery }],
    doc: 'a URI with one more parameter',
    example: ['"/v1?a=1".addQuery("a", "2")', '"/v1?a=1&a=2"'],
  },
  {
    name: 'setQuery',
    overloads: [{ receiver: 'string', parameters: ['string', 'string'], returns: 'string', run: setQuery }],
    doc: 'a URI with that parameter once',
    example: ['"/v1?a=1&a=2".setQuery("a", "3")', '"/v1?a=3"'],
  },
  {
    name: 'matches',
    replaces: true,
    overloads: [
      { receiver: 'string', parameters: ['string'], returns: 'bool', run: regexMatches },
      { parameters: ['string', 'string'], returns: 'bool', run: regexMatches },
    ],
    doc: 'whether a regular expression (RE2 syntax) matches anywhere in the text; a literal one is checked when the expression is read',
    example: ['"curl/8.5".matches("^(curl|wget)/[0-9]+")', 'true'],
  },
  {
    name: 'regexReplace',
    overloads: [{ receiver: 'string', parameters: ['string', 'string'], returns: 'string', run: regexReplaceFirst }],
    doc: 'the first match of a regular expression replaced; `$1` and `$name` stand for groups, `$$` for a dollar sign',
    example: ['"/id/42/x".regexReplace("/id/([0-9]+)", "/item/$1")', '"/item/42/x"'],
  },
]
