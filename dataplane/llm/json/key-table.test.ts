import { KeyTable } from './key-table.ts'

describe('KeyTable', () => {
  const table = new KeyTable({ model: 1, usage: 2, id: 3, größe: 4 })
  const find = (key: string): number | undefined => {
    const bytes = Buffer.from(`xx${key}yy`)
    return table.find(bytes, 2, bytes.length - 2)
  }

  it.each([
    ['model', 1],
    ['usage', 2],
    ['id', 3],
    ['größe', 4],
    ['mod\\u0065l', 1],
    ['\\u006d\\u006f\\u0064\\u0065\\u006c', 1],
    ['gr\\u00f6\\u00dfe', 4],
    ['modem', undefined],
    ['mode', undefined],
    ['', undefined],
    ['model\\', undefined],
    ['mod\\u006', undefined],
    ['\\u0000'.repeat(1000), undefined],
    ['__proto__', undefined],
    ['constructor', undefined],
  ])('finds %j', (key, value) => expect(find(key)).toBe(value))
})
