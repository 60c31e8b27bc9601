import { compileExpression } from './compile.ts'
import { isReservedName } from './engine.ts'
import { CEL_FUNCTIONS, canonicalFunction, spellingsOf } from './functions.ts'
import { CelDuration, CelFlattened, CelTimestamp, type CelValue, type CelVariables } from './program.ts'
import { snakeCase } from './spelling.ts'

function evaluate(source: string, variables: CelVariables = {}): CelValue {
  const compiled = compileExpression(source, { phase: 'end' })
  if (!compiled.ok) throw new Error(`${source}: ${compiled.problem.message}`)
  const result = compiled.program.evaluate(variables)
  if (!result.ok) throw new Error(`${source}: ${result.failure}`)
  return result.value
}

function failureOf(source: string, variables: CelVariables = {}): string {
  const compiled = compileExpression(source, { phase: 'end' })
  if (!compiled.ok) return `does not compile: ${compiled.problem.message}`
  const result = compiled.program.evaluate(variables)
  return result.ok ? `yields ${String(result.value)}` : result.failure
}

/** As the examples of the reference page are written. */
function asJson(value: CelValue): unknown {
  if (value instanceof CelTimestamp) return value.rfc3339
  if (value instanceof CelDuration) return value.text
  if (value instanceof CelFlattened) return asJson(value.value)
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(asJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, asJson(element as CelValue)]))
}

describe('every function', () => {
  for (const known of CEL_FUNCTIONS) {
    const [expression, json] = known.example
    it(`${known.name}: ${expression}`, () => {
      expect(expression).toContain(`${spellingsOf(known).find((spelling) => expression.includes(`${spelling}(`))}(`)
      expect(asJson(evaluate(expression))).toEqual(JSON.parse(json ?? 'null'))
    })

    const name = known.name.slice(known.name.indexOf('.') + 1)
    for (const spelling of spellingsOf(known).slice(1)) {
      it(`${known.name} is also ${spelling}`, () => {
        const other = spelling.slice(spelling.indexOf('.') + 1)
        const written = expression.replaceAll(`${name}(`, `${other}(`)
        expect(asJson(evaluate(written))).toEqual(JSON.parse(json ?? 'null'))
      })
    }

    it(`${known.name} is found in camelCase and in snake_case`, () => {
      for (const spelling of spellingsOf(known)) expect(canonicalFunction(spelling)).toBeDefined()
      if (known.name !== 'math.isNaN' && known.name !== 'existsOne') {
        expect(canonicalFunction(snakeCase(known.name))).toBe(known.name)
      }
    })
  }

  it('covers the list of agentgateway', () => {
    const documented =
      'json toJson to_json jsonField unvalidatedJwtPayload with mapValues map_values filterKeys merge variables flatten flattenRecursive flatten_recursive random uuid default coalesce regexReplace fail base64.encode base64.decode base64Encode base64Decode base64_encode base64_decode url.encode url.decode form.encode form.decode sha1.encode sha256.encode md5.encode charAt indexOf join lastIndexOf lowerAscii upperAscii trim replace split substring stripPrefix stripSuffix math.least math.greatest math.ceil math.floor math.round math.trunc math.isInf math.isNaN math.isFinite math.abs math.sign math.sqrt math.bitAnd math.bitOr math.bitXor math.bitNot math.bitShiftLeft math.bitShiftRight isIP ip family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast cidr containsIP containsCIDR masked prefixLength contains size has map filter all exists exists_one max startsWith endsWith matches string bytes double int uint duration timestamp getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds getMilliseconds query addQuery setQuery redacted raw cookie'
    expect(documented.split(' ').filter((name) => canonicalFunction(name) === undefined)).toEqual([])
  })

  it('hides what the library has beyond it', () => {
    for (const call of ['hex()', 'base64()', 'at(0)', 'json()', 'string()']) {
      expect(failureOf(`b"x".${call}`)).toContain('does not compile')
    }
    expect(isReservedName('optional')).toBe(false)
  })
})

describe('flatten', () => {
  it('marks lists and maps, at any place of a result', () => {
    expect(evaluate('flatten([1, [2]])')).toEqual(new CelFlattened([1n, [2n]], false))
    expect(evaluate('{"a": flatten_recursive({"b": [1]})}')).toEqual({ a: new CelFlattened({ b: [1n] }, true) })
    expect(
      evaluate('flattenRecursive(llm.prompt.map(c, {"message": c}))', { llm: { prompt: [{ role: 'user' }] } }),
    ).toEqual(new CelFlattened([{ message: { role: 'user' } }], true))
  })

  it('takes nothing else', () => {
    expect(failureOf('flatten("a")')).toMatch(/^does not compile: .*flatten\(string\)/)
    expect(failureOf('flatten(jwt.sub)', { jwt: { sub: 'a' } })).toBe('type_error')
    expect(failureOf('flattenRecursive(jwt.sub)', { jwt: { sub: null } })).toBe('type_error')
  })
})

describe('default', () => {
  it('catches null and what is absent, on every road', () => {
    expect(evaluate('default(llm.responseModel, "d")')).toBe('d')
    expect(evaluate('default(llm.responseModel, "d")', { llm: { responseModel: 'm' } })).toBe('m')
    expect(evaluate('default(request.headers["x"], "d")', { request: { headers: new Map() } })).toBe('d')
    expect(evaluate('default(jwt.a.b.c, "d")', { jwt: { a: null } })).toBe('d')
    expect(evaluate('default(null, "d")')).toBe('d')
    expect(evaluate('default(json("{}").a, "d")')).toBe('d')
    expect(evaluate('default([1][5], 2)')).toBe(2n)
    expect(evaluate('[{"a": 1}, {}].map(m, default(m.a, 0))')).toEqual([1n, 0n])
  })

  it('lets other errors pass', () => {
    expect(failureOf('default(1 / 0, 2)')).toBe('invalid_argument')
    expect(failureOf('default(fail(), 2)')).toBe('invalid_argument')
    expect(failureOf('default(jwt.sub.name, 2)', { jwt: { sub: 'text' } })).toBe('type_error')
  })

  it('evaluates the fallback only when it is needed', () => {
    expect(evaluate('default(1, fail())')).toBe(1n)
  })
})

describe('coalesce', () => {
  it('takes one to eight choices, each of any type', () => {
    expect(evaluate('coalesce(jwt.sub, 1 / 0, null, "x", fail())')).toBe('x')
    expect(evaluate('coalesce(null)')).toBe(null)
    expect(evaluate('coalesce(fail(), null, 1 / 0)')).toBe(null)
    expect(evaluate(`coalesce(${'null, '.repeat(7)}8)`)).toBe(8n)
    expect(failureOf(`coalesce(${'null, '.repeat(8)}9)`)).toContain('does not compile')
    expect(failureOf('coalesce()')).toContain('does not compile')
  })

  it('yields the last error where nothing was null', () => {
    expect(failureOf('coalesce(jwt.sub, 1 / 0)')).toBe('invalid_argument')
    expect(failureOf('coalesce(1 / 0, jwt.sub)')).toBe('no_such_key')
  })
})

describe('macros with a variable', () => {
  it('see the variables around them', () => {
    expect(evaluate('[1, 2].map(x, {"k": 10}.mapValues(v, v + x))')).toEqual([{ k: 11n }, { k: 12n }])
    expect(evaluate('"a".with(x, ["b"].map(y, x + y))')).toEqual(['ab'])
    expect(evaluate('[1].map(x, [2].map(x, x))')).toEqual([[2n]])
    expect(evaluate('jwt.with(j, j.sub)', { jwt: { sub: 's' } })).toBe('s')
  })

  it('hide a variable of the same name inside, and only there', () => {
    const variables = { request: { path: '/a' } }
    expect(evaluate('[{"path": "inner"}].map(request, request.path) + [request.path]', variables)).toEqual([
      'inner',
      '/a',
    ])
  })

  it('want a map, and a bool where they filter', () => {
    expect(failureOf('[1].mapValues(v, v)')).toContain('mapValues() takes a map')
    expect(failureOf('{"a": 1}.filterKeys(k, 1)')).toContain('filterKeys() needs a condition')
    expect(failureOf('jwt.sub.mapValues(v, v)', { jwt: { sub: [1] } })).toBe('type_error')
    expect(failureOf('jwt.filterKeys(k, jwt.a)', { jwt: { a: 1 } })).toBe('type_error')
    expect(failureOf('[1].map(1, 2)')).toContain('does not compile')
    expect(failureOf('{"a": 1}.mapValues(v.w, 2)')).toContain('a name for its variable')
  })

  it('keep keys that JavaScript has a meaning for, and the order of keys', () => {
    expect(Object.keys(evaluate('{"b": 1, "a": 2}.mapValues(v, v)') as object)).toEqual(['b', 'a'])
    expect(evaluate('{"constructor": 1, "x": 2}.filterKeys(k, k != "x").size()')).toBe(1n)
    expect(evaluate('toJson({"__proto__": 1}.merge({"constructor": 2}))')).toBe('{"__proto__":1,"constructor":2}')
  })
})

describe('text', () => {
  it('counts characters, not UTF-16 units', () => {
    expect(evaluate('"🎉hello🎉".indexOf("🎉", 1)')).toBe(6n)
    expect(evaluate('"hello🎉world🎉".lastIndexOf("🎉")')).toBe(11n)
    expect(evaluate('"ta©o©αT".substring(2, 6)')).toBe('©o©α')
    expect(evaluate('"a🎉b".charAt(1) + "a🎉b".charAt(2)')).toBe('🎉b')
    expect(evaluate('"a🎉".split("")')).toEqual(['a', '🎉'])
  })

  it('refuses positions outside of the text', () => {
    for (const call of [
      'charAt(4)',
      'charAt(-1)',
      'substring(4)',
      'substring(2, 1)',
      'substring(0, 4)',
      'indexOf("a", 9)',
    ]) {
      expect(`${call} ${failureOf(`"abc".${call}`)}`).toBe(`${call} invalid_argument`)
    }
    expect(evaluate('"abc".charAt(3)')).toBe('')
    expect(evaluate('"abc".indexOf("", 3)')).toBe(3n)
  })

  it('replaces so many times', () => {
    expect(evaluate('"hello hello".replace("he", "we")')).toBe('wello wello')
    expect(evaluate('"hello hello".replace("he", "we", 0)')).toBe('hello hello')
    expect(evaluate('"hello hello".replace("he", "we", -1)')).toBe('wello wello')
    expect(evaluate('"hi".replace("", "_")')).toBe('_h_i_')
    expect(evaluate('"hi".replace("", "_", 2)')).toBe('_h_i')
  })

  it('splits into so many parts', () => {
    expect(evaluate('"a b c".split(" ", 0)')).toEqual([])
    expect(evaluate('"a b c".split(" ", 1)')).toEqual(['a b c'])
    expect(evaluate('"a b c".split(" ", -1)')).toEqual(['a', 'b', 'c'])
  })

  it('joins texts only', () => {
    expect(evaluate('[].join()')).toBe('')
    expect(failureOf('["a", 1].join()')).toBe('type_error')
  })

  it('changes the case of ASCII letters only', () => {
    expect(evaluate('"TacoCÆt".lowerAscii() + "tacocæt".upperAscii()')).toBe('tacocÆtTACOCæT')
  })
})

describe('regular expressions', () => {
  it('are RE2', () => {
    expect(evaluate('"GPT-4".matches("(?i)^gpt")')).toBe(true)
    expect(evaluate('matches("x1", "^[a-z]\\\\d$")')).toBe(true)
    expect(failureOf('"a".matches("a(?=b)")')).toContain('does not compile: invalid regular expression')
    expect(failureOf('"a".regexReplace("(", "")')).toContain('does not compile: invalid regular expression')
    expect(failureOf('"a".matches(jwt.p)', { jwt: { p: '(' } })).toBe('invalid_argument')
    expect(failureOf('"a".matches(jwt.p)', { jwt: { p: 'a'.repeat(1001) } })).toBe('invalid_argument')
  })

  it('replace the first match, with its groups', () => {
    expect(evaluate('"blah id=1234 bar id=5 x".regexReplace("id=(.+?) ", "[$1] ")')).toBe('blah [1234] bar id=5 x')
    expect(evaluate(`"a-b".regexReplace("(?P<l>.)-(?P<r>.)", "$\{r}-$l$$")`)).toBe('b-a$')
    expect(evaluate('"ab".regexReplace("x", "y")')).toBe('ab')
    expect(evaluate('"ab".regexReplace("(x)?a", "<$1$9>")')).toBe('<>b')
  })
})

describe('encodings', () => {
  it('refuse what is none', () => {
    for (const call of [
      'base64.decode("*")',
      'base64.decode("a")',
      'url.decode("%FF")',
      'url.decode("%")',
      'json("{")',
    ]) {
      expect(`${call} ${failureOf(call)}`).toBe(`${call} invalid_argument`)
    }
    expect(failureOf('form.encode({"a": {}})')).toBe('type_error')
    expect(failureOf('form.encode([])')).toContain('does not compile')
    for (const token of ['a.b', 'a.b.c', 'a.bm8.c', 'a.W10.c', 'a.b.c.d']) {
      expect(failureOf(`unvalidatedJwtPayload("${token}")`)).toBe('invalid_argument')
    }
  })

  it('keep bytes', () => {
    expect(evaluate('base64.decode("//4=")')).toEqual(Buffer.from([0xff, 0xfe]))
    expect(evaluate('base64.encode(b"\\xff\\xfe")')).toBe('//4=')
    expect(evaluate('request.body.base64_encode()', { request: { body: new Uint8Array([1, 2, 3]) } })).toBe('AQID')
    expect(failureOf('string(b"\\xff")')).toBe('invalid_argument')
  })

  it('read base64url in tokens', () => {
    const token = `x.${Buffer.from('{"data":"~~~"}').toString('base64url')}.y`
    expect(evaluate(`unvalidatedJwtPayload("${token}").data`)).toBe('~~~')
  })

  it('write JSON of every kind of value', () => {
    expect(
      evaluate(
        'toJson([1u, -1, 1.5, true, null, b"a", duration("90s"), timestamp("2026-01-01T00:00:00.5Z"), ip("::1")])',
      ),
    ).toBe('[1,-1,1.5,true,null,"YQ==","90s","2026-01-01T00:00:00.5Z","::1"]')
    expect(evaluate('toJson({1: {"a": []}, true: {}})')).toBe('{"1":{"a":[]},"true":{}}')
    expect(evaluate('toJson(0.0 / 0.0)')).toBe('null')
  })

  it('find one field of JSON', () => {
    expect(failureOf('jsonField("{}", "a")')).toBe('no_such_key')
    expect(failureOf('jsonField("{}", "constructor")')).toBe('no_such_key')
    expect(failureOf('jsonField("[1]", "0")')).toBe('invalid_argument')
    expect(evaluate('jsonField(b"{\\"constructor\\": 1}", "constructor")')).toBe(1)
  })
})

describe('headers and URIs', () => {
  const request = {
    headers: new Map<string, unknown>([
      ['multi', ['a,b', 'c']],
      ['single', 'z'],
      ['authorization', 'Bearer t'],
    ]),
  }

  it('have views that can follow each other', () => {
    const variables = { request }
    expect(evaluate('request.headers.join().multi', variables)).toBe('a,b,c')
    expect(evaluate('request.headers.raw().single', variables)).toEqual(['z'])
    expect(evaluate('request.headers.split().multi', variables)).toEqual(['a', 'b', 'c'])
    expect(evaluate('request.headers.redacted().raw().authorization', variables)).toEqual(['<redacted>'])
    expect(evaluate('request.headers.raw().join().multi', variables)).toBe('a,b,c')
    expect(evaluate('request.headers.map(name, name)', variables)).toEqual(['multi', 'single', 'authorization'])
  })

  it('find cookies', () => {
    const cookies = { request: { headers: new Map([['cookie', 'a=1; b="x y"; c']]) } }
    expect(evaluate('request.headers.cookie("b")', cookies)).toBe('x y')
    expect(evaluate('default(request.headers.cookie("z"), "none")', cookies)).toBe('none')
    expect(evaluate('default(request.headers.cookie("z"), "none")', { request })).toBe('none')
  })

  it('change queries', () => {
    const variables = { request: { uri: 'https://h/p?a=1&b=x%20y#f', pathAndQuery: '/p' } }
    expect(evaluate('request.uri.query("b")', variables)).toEqual(['x y'])
    expect(evaluate('default(request.uri.query("z"), [])', variables)).toEqual([])
    expect(evaluate('request.uri.setQuery("a", "2")', variables)).toBe('https://h/p?a=2&b=x+y#f')
    expect(evaluate('request.path_and_query.add_query("a", "&")', variables)).toBe('/p?a=%26')
  })
})

describe('numbers', () => {
  it('mix kinds in least and greatest, and keep the one that wins', () => {
    expect(evaluate('math.least(1, -2.0)')).toBe(-2)
    expect(evaluate('math.greatest(1.5, 2)')).toBe(2n)
    expect(evaluate('math.greatest(2u, 2.5)')).toBe(2.5)
    expect(failureOf('math.greatest([])')).toBe('invalid_argument')
    expect(failureOf('math.least("a")')).toBe('type_error')
    expect(failureOf('math.least()')).toContain('does not compile')
  })

  it('stay within 64 bits', () => {
    expect(failureOf('math.abs(-9223372036854775808)')).toBe('invalid_argument')
    expect(failureOf('9223372036854775807 + 1')).toBe('invalid_argument')
    expect(failureOf('-(-9223372036854775808)')).toBe('invalid_argument')
    expect(failureOf('9223372036854775808')).toContain('too large for an int')
    expect(failureOf('int(1e99)')).toBe('invalid_argument')
    expect(failureOf('uint(-1)')).toBe('invalid_argument')
    expect(evaluate('math.bitNot(0u)')).toBe(2n ** 64n - 1n)
    expect(evaluate('math.bitShiftRight(-1024, 3)')).toBe(2305843009213693824n)
    expect(evaluate('math.bitShiftLeft(1u, 200)')).toBe(0n)
    expect(failureOf('math.bitShiftLeft(1, -1)')).toBe('invalid_argument')
    expect(failureOf('math.bitAnd(1, 2u)')).toContain('does not compile')
  })

  it('mix ints and doubles in arithmetic', () => {
    const llm = { inputTokens: 3, cost: { total: 0.5 } }
    expect(evaluate('llm.inputTokens * llm.cost.total + 1', { llm })).toBe(2.5)
    expect(evaluate('llm.cost.total == 0 || llm.cost.total > 0', { llm })).toBe(true)
    expect(evaluate('json("41") + 1')).toBe(42)
  })
})

describe('time', () => {
  it('knows time zones by name and by offset', () => {
    const at = 'timestamp("2009-02-13T23:31:30Z")'
    expect(evaluate(`${at}.getDate("Australia/Sydney")`)).toBe(14n)
    expect(evaluate(`${at}.getHours("+02:00")`)).toBe(1n)
    expect(evaluate(`${at}.getMinutes("-00:31")`)).toBe(0n)
    expect(evaluate(`${at}.get_day_of_year("UTC")`)).toBe(43n)
    expect(failureOf(`${at}.getHours("Nowhere/At All")`)).toBe('invalid_argument')
  })

  it('reads RFC 3339 and Go durations only', () => {
    for (const text of [
      '2026',
      '2026-01-01',
      '2026-01-01 00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-01-01T00:00:00',
      '',
    ]) {
      expect(`${text} ${failureOf(`timestamp("${text}")`)}`).toBe(`${text} invalid_argument`)
    }
    for (const text of ['', '1', 's', '1x', '1.s1', '-', '9'.repeat(70), '1s 2s']) {
      expect(`${text} ${failureOf(`duration("${text}")`)}`).toBe(`${text} invalid_argument`)
    }
    expect(evaluate('duration("-1h30m0.5s")')).toEqual(new CelDuration('-5400.5s'))
    expect(evaluate('string(duration("1ns")) + string(duration("0"))')).toBe('0.000000001s0s')
  })

  it('computes', () => {
    const request = { startTime: new Date('2026-01-01T00:00:00Z'), endTime: new Date('2026-01-01T00:00:01.250Z') }
    expect(evaluate('request.endTime - request.startTime', { request })).toEqual(new CelDuration('1.25s'))
    expect(evaluate('request.endTime - request.startTime > duration("1s")', { request })).toBe(true)
    expect(failureOf('timestamp("9999-12-31T23:59:59Z") + duration("1s")')).toBe('invalid_argument')
  })
})

describe('addresses', () => {
  it('are read strictly', () => {
    for (const text of ['1.2.3', '01.2.3.4', '1.2.3.4.5', '::ffff:1.2.3.4', 'fe80::1%eth0', '2001:db8:::68', '']) {
      expect(`${text} ${evaluate(`isIP("${text}")`)}`).toBe(`${text} false`)
    }
    for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/08', '::/129', '/8', '10.0.0.0/8/8']) {
      expect(`${text} ${failureOf(`cidr("${text}")`)}`).toBe(`${text} invalid_argument`)
    }
  })

  it('are written as RFC 5952 says', () => {
    const written: { readonly [text: string]: string } = {
      '2001:DB8:0:0:0:0:0:1': '2001:db8::1',
      '0:0:0:0:0:0:0:0': '::',
      '1:0:0:2:0:0:0:3': '1:0:0:2::3',
      '1:0:2:0:3:0:4:0': '1:0:2:0:3:0:4:0',
      '1:2:3:4:5:6:0:0': '1:2:3:4:5:6::',
    }
    for (const [text, expected] of Object.entries(written)) expect(evaluate(`string(ip("${text}"))`)).toBe(expected)
  })

  it('belong to ranges', () => {
    expect(evaluate('cidr("127.0.0.1/8").containsIP(ip("128.0.0.1"))')).toBe(false)
    expect(evaluate('cidr("::/0").containsIP("1.2.3.4")')).toBe(false)
    expect(evaluate('cidr("10.0.0.0/8").containsCIDR("10.0.0.0/7")')).toBe(false)
    expect(evaluate('cidr("10.1.2.3/8").ip() == ip("10.1.2.3")')).toBe(true)
    expect(evaluate('ip("fd80::1").isLinkLocalUnicast() || ip("255.255.255.255").isGlobalUnicast()')).toBe(false)
    expect(
      evaluate('source.address.with(a, cidr("10.0.0.0/8").containsIP(a))', { source: { address: '10.9.9.9' } }),
    ).toBe(true)
  })
})

describe('chance', () => {
  it('differs from call to call', () => {
    expect(
      evaluate('[uuid(), uuid()].with(u, u[0] != u[1] && u[0].matches("^[0-9a-f-]{36}$") && u[0].charAt(14) == "4")'),
    ).toBe(true)
    expect(evaluate('random() >= 0.0 && random() <= 1.0')).toBe(true)
  })
})
