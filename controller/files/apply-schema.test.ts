import { applySchema } from './apply-schema.ts'
import { formatFieldPath } from './field-path.ts'
import { rule, type Schema } from './schema.ts'

/** What is said of a value, as `path: message`. */
function findings(value: unknown, schema: Schema): string[] {
  return applySchema(value, schema).findings.map(({ path, message }) => `${formatFieldPath(path)}: ${message}`)
}

function applied(value: unknown, schema: Schema): unknown {
  const { value: result, findings: none } = applySchema(value, schema)
  expect(none).toEqual([])
  return result
}

const object = (properties: { [name: string]: Schema }, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
})
const text: Schema = { type: 'string' }

describe('applySchema: what stands for "not given"', () => {
  const texts: Schema = { type: 'object', additionalProperties: { ...text, nullMeans: '', minLength: 1 } }

  it('takes a null for what Go makes of it, and checks that', () => {
    expect(applied({ a: null }, { ...texts, additionalProperties: { ...text, nullMeans: '' } })).toEqual({ a: '' })
    expect(findings({ a: null }, texts)).toEqual(["a: 'a' must not be empty"])
    const items: Schema = { type: 'array', items: object({ a: { ...text, default: 'x' } }, { nullMeans: {} }) }
    expect(applied([null], items)).toEqual([{ a: 'x' }])
  })

  it('takes an empty text for absent where the schema says so, before defaults and what is required', () => {
    const schema = object({ a: { ...text, emptyMeansAbsent: true, default: 'x' }, b: text })
    expect(applied({ a: '', b: '' }, schema)).toEqual({ a: 'x', b: '' })
    expect(findings({ a: '' }, object({ a: { ...text, emptyMeansAbsent: true } }, { required: ['a'] }))).toEqual([
      "a: 'a' is missing",
    ])
  })
})

describe('applySchema: types and limits', () => {
  it.each<[string, Schema, unknown, string[]]>([
    ['an integer', { type: 'integer', minimum: 1, maximum: 9 }, 5, []],
    ['an integer that is none', { type: 'integer' }, 1.5, [': the object must be an integer, is a number']],
    ['an integer below', { type: 'integer', minimum: 1, maximum: 9 }, 0, [': the object must be between 1 and 9']],
    ['an integer without upper limit', { type: 'integer', minimum: 1 }, 0, [': the object must be at least 1']],
    ['an integer without lower limit', { type: 'integer', maximum: 1 }, 2, [': the object must be at most 1']],
    ['a number', { type: 'number' }, 0.5, []],
    ['a boolean that is a text', { type: 'boolean' }, 'true', [': the object must be true or false, is a text']],
    ['int-or-string: a list', { intOrString: true }, [], [': the object must be an integer or a text, is a list']],
    [
      'int-or-string: a fraction',
      { intOrString: true },
      1.5,
      [': the object must be an integer or a text, is a number'],
    ],
    ['int-or-string', { intOrString: true }, '50%', []],
    ['a text', { type: 'string', minLength: 2, maxLength: 3 }, 'abc', []],
    ['an empty text', { type: 'string', minLength: 2 }, '', [': the object must not be empty']],
    ['a short text', { type: 'string', minLength: 2 }, 'a', [': the object must have at least 2 characters']],
    ['a text counted in characters', { type: 'string', maxLength: 2 }, '😀😀', []],
    ['a long text', { type: 'string', maxLength: 2 }, '😀😀😀', [': the object must have at most 2 characters, has 3']],
    ['a pattern', { type: 'string', pattern: '^a$' }, 'b', [': the object must be of the form ^a$']],
    [
      'a pattern in words',
      { type: 'string', pattern: '^a$', patternMeaning: 'an a' },
      'b',
      [': the object must be an a'],
    ],
    ['one allowed value', { enum: ['a'] }, 'b', [': the object must be a']],
    ['a number among texts', { enum: ['1', 2] }, 1, [': the object must be one of 1, 2']],
    ['too few items', { type: 'array', minItems: 2 }, [1], [': the object must have at least 2 items']],
    ['too many items', { type: 'array', maxItems: 1 }, [1, 2], [': the object must have at most 1 item, has 2']],
    [
      'too many entries',
      { ...object({}), additionalProperties: text, maxProperties: 1 },
      { a: 'x', b: 'y' },
      [': the object must have at most 1 entry, has 2'],
    ],
    ['null where it means something', { type: 'string', nullable: true }, null, []],
    ['null where it does not', { type: 'string' }, null, [': the object must be a text, is empty']],
  ])('%s', (_name, schema, value, expected) => {
    expect(findings(value, schema)).toEqual(expected)
  })

  it('says one thing of a value of the wrong type, and nothing of what would be below it', () => {
    const schema = object({ a: { ...object({ b: text }, { required: ['b'] }), rules: [rule('never', () => false)] } })
    expect(findings({ a: 'x' }, schema)).toEqual(["a: 'a' must be a map, is a text"])
  })

  it('goes on to other fields and items', () => {
    const schema = object({ list: { type: 'array', items: object({ n: { type: 'integer' } }) }, other: text })
    expect(findings({ list: [{ n: 1 }, { n: 'x' }, 5], other: 1 }, schema)).toEqual([
      "list[1].n: 'n' must be an integer, is a text",
      "list[2]: 'list[2]' must be a map, is a number",
      "other: 'other' must be a text, is a number",
    ])
  })
})

describe('applySchema: unknown fields', () => {
  it('drops them and says so; the rest stays', () => {
    const { value, findings: found } = applySchema({ name: 'x', nam: 'y' }, object({ name: text }))
    expect(value).toEqual({ name: 'x' })
    expect(found).toEqual([
      { kind: 'UnknownField', path: ['nam'], message: "unknown field 'nam'", advice: "did you mean 'name'?" },
    ])
  })

  it('keeps them where a schema says so, and still checks those that it knows', () => {
    const schema = object({ name: text }, { preserveUnknownFields: true })
    expect(applied({ name: 'x', a: { b: [null] } }, schema)).toEqual({ name: 'x', a: { b: [null] } })
    expect(findings({ name: 5 }, schema)).toHaveLength(1)
  })

  it('takes free keys where values have a schema, and checks their form', () => {
    const schema: Schema = {
      type: 'object',
      additionalProperties: text,
      keyPattern: '^[a-z]+$',
      keyMeaning: 'lower-case',
    }
    expect(applied({ a: 'x' }, schema)).toEqual({ a: 'x' })
    expect(findings({ A: 'x', b: 1 }, schema)).toEqual([
      'A: a key of the object must be lower-case',
      "b: 'b' must be a text, is a number",
    ])
  })

  it('is not taken in by names that every JavaScript object has', () => {
    const schema = object({ name: text })
    const hostile = JSON.parse('{"__proto__": {"name": "x"}, "constructor": 1, "toString": 2, "name": "y"}') as unknown
    expect(findings(hostile, schema)).toEqual([
      "__proto__: unknown field '__proto__'",
      "constructor: unknown field 'constructor'",
      "toString: unknown field 'toString'",
    ])
  })

  it('knows where a field belongs', () => {
    const schema = object({ spec: object({ ai: object({ llm: text, weight: text }), type: text }), type: text })
    const advice = (value: unknown) => applySchema(value, schema).findings.map((finding) => finding.advice)
    expect(advice({ llm: 'x' })).toEqual(["'llm' belongs below 'spec.ai': check the indentation"])
    expect(advice({ spec: { ai: { type: 'x' } } })).toEqual(["'type' belongs further out: check the indentation"])
    expect(advice({ spec: { ai: { zzz: 'x' } } })).toEqual(['known here: llm, weight'])
    expect(advice({ spec: { multipool: 'x' } })).toEqual(["write 'priorityGroups: [{providers: […]}]'"])
  })
})

describe('applySchema: defaults', () => {
  const schema = object({
    a: { ...object({ b: { ...text, default: 'x' }, c: { ...text, default: 'y' } }), default: { b: 'z' } },
    list: { type: 'array', items: object({ n: { type: 'integer', default: 1 } }) },
  })

  it('are filled in all the way down, and into defaults themselves', () => {
    expect(applied({ list: [{}, { n: 2 }] }, schema)).toEqual({ a: { b: 'z', c: 'y' }, list: [{ n: 1 }, { n: 2 }] })
    expect(applied({ a: {} }, schema)).toEqual({ a: { b: 'x', c: 'y' } })
  })

  it('take the place of null', () => {
    expect(applied({ a: { b: null, c: 'c' } }, schema)).toEqual({ a: { b: 'x', c: 'c' } })
  })

  it('make a required field present', () => {
    expect(applied({}, object({ a: { ...text, default: 'x' } }, { required: ['a'] }))).toEqual({ a: 'x' })
  })

  it('are never shared between objects', () => {
    const [one, other] = [applied({}, schema), applied({}, schema)] as { a: object }[]
    expect(one?.a).not.toBe(other?.a)
  })

  it('do not make a missing object of a null one', () => {
    expect(findings({ a: null }, object({ a: text }, { required: ['a'] }))).toEqual(["a: 'a' is missing"])
  })
})

describe('applySchema: lists and rules', () => {
  it('finds items that are there already', () => {
    const set: Schema = { type: 'array', listType: 'set', items: text }
    expect(findings({ s: ['a', 'b', 'a'] }, object({ s: set }))).toEqual([
      "s[2]: 's' has an earlier item that is the same",
    ])
    const items = object({ k: text, l: text, v: text })
    const map: Schema = { type: 'array', listType: 'map', listMapKeys: ['k', 'l'], items }
    const list = [
      { k: 'a', l: 'b' },
      { k: 'a', l: 'c', v: 'x' },
      { k: 'a', l: 'c', v: 'y' },
    ]
    expect(findings({ m: list }, object({ m: map }))).toEqual(["m[2]: 'm' has an earlier item with the same k and l"])
  })

  it('asks rules of what is well-formed, after defaults, at the field that they name', () => {
    const asked: unknown[] = []
    const schema = object(
      { a: { ...text, default: 'x' }, b: text },
      { rules: [rule('must not be', (self) => asked.push(self) < 0, { fieldPath: ['b'], advice: 'do not' })] },
    )
    expect(applySchema({ b: 'y' }, schema).findings).toEqual([
      { kind: 'InvalidField', path: ['b'], message: "'b' must not be", advice: 'do not' },
    ])
    expect(findings({ b: 5 }, schema)).toHaveLength(1)
    expect(asked).toEqual([{ a: 'x', b: 'y' }])
  })

  it('asks them in spite of unknown fields, without these', () => {
    const schema = object(
      { a: text },
      { rules: [rule('must be empty', (self: object) => Object.keys(self).length === 0)] },
    )
    expect(findings({ z: 'x' }, schema)).toEqual(["z: unknown field 'z'"])
  })
})
