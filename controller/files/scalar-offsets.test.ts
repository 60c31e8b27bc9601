import fc from 'fast-check'
import { Document, isScalar, parseDocument, Scalar } from 'yaml'
import { scalarOffsets } from './scalar-offsets.ts'

function offsetsOf(text: string): { value: string; offsets: readonly number[] | undefined } {
  const node = parseDocument(text).getIn(['a'], true)
  if (!isScalar(node)) throw new Error('the test wants a: SCALAR')
  return { value: String(node.value), offsets: scalarOffsets(text, node as Scalar.Parsed) }
}

/** The visible characters of the source that those of the value are found at. */
function found(text: string): string {
  const { offsets } = offsetsOf(text)
  return (offsets ?? [])
    .slice(0, -1)
    .map((offset) => text[offset])
    .join('')
    .replaceAll(/\s/g, '')
}

describe('scalarOffsets', () => {
  it.each([
    ['plain', 'a: one two\n', 'onetwo'],
    ['plain on several lines', 'a: one\n  two\n\n  three\n', 'onetwothree'],
    ['single-quoted', "a: 'it''s [''x'']'\n", "it's['x']"],
    ['single-quoted on several lines', "a: 'one\n\n  two'\n", 'onetwo'],
    ['literal', 'a: |\n    one\n      two\n\n    three\n', 'onetwothree'],
    ['literal, stripped, with a comment', 'a: |- # said\n  one\n  two\n', 'onetwo'],
    ['literal with an indentation indicator', 'a: |2\n    one\n  two\n', 'onetwo'],
    ['literal with Windows line ends', 'a: |\r\n  one\r\n  two\r\n', 'onetwo'],
    ['folded', 'a: >\n  one\n  two\n\n  three\n    more\n', 'onetwothreemore'],
    ['folded with Windows line ends', 'a: >-\r\n  one\r\n  two\r\n', 'onetwo'],
  ])('finds every visible character: %s', (_name, text, characters) => {
    expect(found(text)).toBe(characters)
  })

  it('finds the spaces of a literal exactly', () => {
    const text = 'a: |\n    one\n      two\n'
    const { value, offsets } = offsetsOf(text)
    expect([...value].map((_, index) => text[offsets![index]!]).join('')).toBe(value)
  })

  it('finds what stands behind escapes', () => {
    const text = 'a: "\\u00e4\\n\\"x\\" \\\n    y\\U0001F600z"\n'
    const { value, offsets } = offsetsOf(text)
    expect(value).toBe('ä\n"x" y😀z')
    expect(text[offsets![value.indexOf('x')]!]).toBe('x')
    expect(text[offsets![value.indexOf('y')]!]).toBe('y')
    expect(text[offsets![value.indexOf('z')]!]).toBe('z')
  })

  it('finds every visible character of any text in any style', () => {
    const styles = [
      Scalar.PLAIN,
      Scalar.QUOTE_SINGLE,
      Scalar.QUOTE_DOUBLE,
      Scalar.BLOCK_LITERAL,
      Scalar.BLOCK_FOLDED,
    ] as const
    const word = fc.string({ unit: fc.constantFrom(...'ab\'"\\{}[]:#|> \n&*!%@`,-+') })
    fc.assert(
      fc.property(word, fc.constantFrom(...styles), (value, style) => {
        const scalar = new Scalar(value)
        scalar.type = style
        const text = new Document({ a: scalar }).toString({ lineWidth: 20 })
        // The library writes some texts (`:` and a line end) so that they read as something else: no scalar stands there.
        const written = parseDocument(text)
        fc.pre(written.errors.length === 0 && typeof written.get('a') === 'string')
        const { value: read, offsets } = offsetsOf(text)
        expect(offsets).toHaveLength(read.length + 1)
        for (const [index, character] of [...read].entries()) {
          if (/\S/.test(character)) expect(sourceCharacters(text, offsets![index]!)).toContain(character)
        }
      }),
      { numRuns: 500 },
    )
  })
})

/** What stands at an offset; behind a backslash or quote, what it may escape too. */
function sourceCharacters(text: string, offset: number): string {
  return "\\'".includes(text[offset]!) ? text.slice(offset, offset + 2) : text[offset]!
}
