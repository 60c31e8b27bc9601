import { celData, celHeaders } from './data.ts'

describe('celData', () => {
  it('returns what is safe as it is', () => {
    const value = { a: [1, 'x', null, { b: true }], toString: 1 }
    expect(celData(value)).toBe(value)
    for (const scalar of [null, true, 1, 'text', undefined]) expect(celData(scalar)).toBe(scalar)
  })

  it('makes Maps of objects with keys that mean something to JavaScript, and of nothing else', () => {
    const data = celData(JSON.parse('{"list":[{"constructor":1,"x":{"y":2}},3],"other":{"z":1}}')) as Record<
      string,
      unknown
    >
    expect(data['list']).toEqual([
      new Map<string, unknown>([
        ['constructor', 1],
        ['x', { y: 2 }],
      ]),
      3,
    ])
    expect(data['other']).toEqual({ z: 1 })
    expect(celData(JSON.parse('{"__proto__":{"a":1}}'))).toEqual(new Map([['__proto__', { a: 1 }]]))
  })

  it('does not change what it was given', () => {
    const value = JSON.parse('{"a":[{"constructor":1}]}') as object
    const before = JSON.stringify(value)
    expect(celData(value)).not.toBe(value)
    expect(JSON.stringify(value)).toBe(before)
  })

  it('yields nothing for what is nested deeper than 64 levels', () => {
    const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    expect(celData(nested(64))).toBeDefined()
    expect(celData(nested(65))).toBeUndefined()
    expect(celData({ a: { constructor: nested(70) } })).toBeUndefined()
    expect(celData(nested(200_000))).toBeUndefined()
  })
})

describe('celHeaders', () => {
  const raw = ['Accept', 'a', 'X-One', '1', 'ACCEPT', 'b', 'accept', 'c', 'Dangling']

  it('finds names whatever their case', () => {
    const headers = celHeaders(raw)
    expect(headers.get('x-one')).toBe('1')
    expect(headers.get('X-ONE')).toBe('1')
    expect(headers.get('accept')).toEqual(['a', 'b', 'c'])
    expect(headers.get('absent')).toBeUndefined()
    expect(headers.has('accept')).toBe(true)
    expect(headers.get('dangling')).toBeUndefined()
  })

  it('says the same after the whole map was read', () => {
    const headers = celHeaders(raw)
    expect([...headers]).toEqual([
      ['accept', ['a', 'b', 'c']],
      ['x-one', '1'],
    ])
    expect([headers.size, [...headers.keys()], [...headers.values()], [...headers.entries()].length]).toEqual([
      2,
      ['accept', 'x-one'],
      [['a', 'b', 'c'], '1'],
      2,
    ])
    expect(headers.get('ACCEPT')).toEqual(['a', 'b', 'c'])
    const each: string[] = []
    headers.forEach((_value, name) => {
      each.push(name)
    })
    expect(each).toEqual(['accept', 'x-one'])
  })

  it('reads nothing before it is asked', () => {
    const reads: unknown[] = []
    const watched = new Proxy(raw, {
      get(target, key, receiver) {
        reads.push(key)
        return Reflect.get(target, key, receiver) as unknown
      },
    })
    const headers = celHeaders(watched)
    expect(reads).toEqual([])
    headers.get('x-one')
    expect(reads.length).toBeGreaterThan(0)
  })

  it('keeps names that mean something to JavaScript apart', () => {
    const headers = celHeaders(['constructor', 'x', '__proto__', 'y'])
    expect([headers.get('constructor'), headers.get('__proto__'), headers.get('toString')]).toEqual([
      'x',
      'y',
      undefined,
    ])
  })
})
