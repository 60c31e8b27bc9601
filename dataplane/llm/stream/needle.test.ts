import { Needle } from './needle.ts'

describe('Needle', () => {
  it('finds each occurrence, and none beyond the end', () => {
    const needle = new Needle('"usage"')
    const bytes = Buffer.from('..."usage"..."usage".')
    expect(needle.find(bytes, 0, bytes.length)).toBe(3)
    expect(needle.find(bytes, 2, bytes.length)).toBe(3)
    expect(needle.find(bytes, 3, 9)).toBe(-1)
    expect(needle.find(bytes, 4, 19)).toBe(-1)
    expect(needle.find(bytes, 4, 20)).toBe(13)
    expect(needle.find(bytes, 14, bytes.length)).toBe(-1)
    expect(needle.find(bytes, 15, bytes.length)).toBe(-1)
  })

  it('forgets bytes that are told anew, also in the same place', () => {
    const needle = new Needle('ab')
    const bytes = Buffer.from('....')
    expect(needle.find(bytes, 0, 4)).toBe(-1)
    bytes.write('ab', 1)
    needle.forget()
    expect(needle.find(bytes, 0, 4)).toBe(1)
    expect(needle.find(Buffer.from('ab..'), 0, 4)).toBe(0)
  })
})
