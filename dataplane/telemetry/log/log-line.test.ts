import { Attributes } from '../attributes.ts'
import { decimalText, jsonLine, textLine, timeText } from './log-line.ts'

const AT = Date.UTC(2025, 8, 24, 18, 13, 1, 821) + 0.7
const HEAD = '2025-09-24T18:13:01.821700Z\tinfo\trequest'

function one(key: string, value: string): Attributes {
  const attributes = new Attributes()
  attributes.set(key, 'string', value)
  return attributes
}

describe('timeText', () => {
  it.each([
    [AT, '2025-09-24T18:13:01.821700Z'],
    [0, '1970-01-01T00:00:00.000000Z'],
    [1_999.999_9, '1970-01-01T00:00:01.999999Z'],
    [2_000, '1970-01-01T00:00:02.000000Z'],
    [1_000.001, '1970-01-01T00:00:01.000001Z'],
  ])('%d → %s', (epochMs, expected) => {
    expect(timeText(epochMs)).toBe(expected)
  })
})

describe('textLine', () => {
  it.each([
    ['localhost', 'k=localhost'],
    ['', 'k='],
    ['/a?b=c&d=%20', 'k=/a?b=c&d=%20'],
    ['模型-é', 'k=模型-é'],
    ['back\\slash', 'k=back\\slash'],
    ['two words', 'k="two words"'],
    ['a"b', 'k="a\\"b"'],
    ['"', 'k="\\""'],
    ['a\nb', 'k="a\\nb"'],
    ['a\r\n2025-01-01T00:00:00Z\tinfo\trequest x=y', 'k="a\\r\\n2025-01-01T00:00:00Z\\tinfo\\trequest x=y"'],
    ['a\tb', 'k="a\\tb"'],
    ['a\u0000b', 'k="a\\u0000b"'],
    ['a\u001b[31mb', 'k="a\\u001b[31mb"'],
    ['a\u007fb', 'k="a\\u007fb"'],
    ['a\u0085b', 'k="a\\u0085b"'],
    ['a\u2028b\u2029', 'k="a\\u2028b\\u2029"'],
    ['a\u00a0b', 'k="a\u00a0b"'],
    ['a\u202eb', 'k="a\\u202eb"'],
    ['a\ufeffb', 'k="a\\ufeffb"'],
    ['a\ud800b', 'k="a\\ud800b"'],
  ])('writes the built-in value %j as %s', (value, expected) => {
    expect(textLine(AT, one('k', value), 1)).toBe(`${HEAD} ${expected}\n`)
  })

  it('quotes the error and what is configured, and nothing that is no string', () => {
    const attributes = new Attributes()
    attributes.set('http.status', 'int', 200)
    attributes.set('error', 'string', 'refused')
    attributes.set('user', 'string', 'alice')
    attributes.set('tokens', 'int', 9223372036854775807n)
    attributes.set('cost', 'double', 1e-7)
    attributes.set('ok', 'bool', false)
    attributes.set('empty', 'string', '')
    expect(textLine(AT, attributes, 2)).toBe(
      `${HEAD} http.status=200 error="refused" user="alice" tokens=9223372036854775807 cost=0.0000001 ok=false empty=""\n`,
    )
  })

  it('quotes a key that could be taken for something else', () => {
    expect(textLine(AT, one('a b=c\n', 'v'), 0)).toBe(`${HEAD} "a b=c\\n"="v"\n`)
    expect(textLine(AT, one('a=b', 'v'), 0)).toBe(`${HEAD} "a=b"="v"\n`)
  })
})

describe('jsonLine', () => {
  it('is one JSON object with the keys in their order', () => {
    const attributes = new Attributes()
    attributes.set('http.path', 'string', '/a"\n\u2028')
    attributes.set('http.status', 'int', 200)
    attributes.set('big', 'int', 9223372036854775807n)
    attributes.set('cost', 'double', 1.5e-9)
    attributes.set('huge', 'double', 1e21)
    attributes.set('odd', 'double', Number.NaN)
    attributes.set('ok', 'bool', true)
    const line = jsonLine(AT, attributes)
    expect(line).toBe(
      '{"level":"info","time":"2025-09-24T18:13:01.821700Z","scope":"request","http.path":"/a\\"\\n\\u2028",' +
        '"http.status":200,"big":9223372036854775807,"cost":0.0000000015,"huge":1000000000000000000000,"odd":"NaN","ok":true}\n',
    )
    expect(Object.keys(JSON.parse(line))).toEqual(['level', 'time', 'scope', ...attributes.keys])
  })
})

describe('decimalText', () => {
  it.each([
    [0, '0'],
    [-0.5, '-0.5'],
    [1e-7, '0.0000001'],
    [-1.25e-10, '-0.000000000125'],
    [1.5e300, `15${'0'.repeat(299)}`],
    [5e-324, `0.${'0'.repeat(323)}5`],
    [123456789.125, '123456789.125'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('%d → %s', (value, expected) => {
    expect(decimalText(value)).toBe(expected)
    expect(Number(expected)).toBe(value)
  })
})
