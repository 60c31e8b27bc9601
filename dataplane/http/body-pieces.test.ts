import fc from 'fast-check'
import { BodyPieces } from './body-pieces.ts'

const KiB = 1024

/** Appends chunks of these sizes, and keeps count of what the pieces say they hold. */
function collected(sizes: readonly number[], announced: boolean): { body: BodyPieces; whole: Buffer; held: number } {
  const whole = Buffer.alloc(sizes.reduce((sum, size) => sum + size, 0))
  for (let i = 0; i < whole.length; i++) whole[i] = i % 251
  const body = new BodyPieces()
  let held = 0
  for (const size of sizes) {
    // In memory of its own, as a socket's read is.
    const chunk = Buffer.allocUnsafeSlow(size)
    whole.copy(chunk, 0, body.length)
    const expected = (announced ? whole.length : 4096 * KiB) - body.length
    held += body.growth(chunk.length, expected)
    body.append(chunk, expected)
  }
  body.end()
  return { body, whole, held }
}

const memoryOf = (body: BodyPieces): number =>
  body.pieces.reduce((sum, piece) => sum + (piece.byteLength < 8 * KiB ? piece.buffer.byteLength : piece.byteLength), 0)

describe('BodyPieces', () => {
  it('is the body, however it came, and holds no more memory than it says', () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 70 * KiB })), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.nat(), fc.nat(), (chunks, announced, a, b) => {
        const { body, whole, held } = collected(chunks, announced)
        expect(body.length).toBe(whole.length)
        const from = Math.min(a % (whole.length + 1), b % (whole.length + 1))
        const to = Math.max(a % (whole.length + 1), b % (whole.length + 1))
        expect(Buffer.concat(body.slice(from, to)).equals(whole.subarray(from, to))).toBe(true)
        expect(body.read((bytes) => Buffer.from(bytes)).equals(whole)).toBe(true)
        expect(held).toBeGreaterThanOrEqual(whole.length)
        expect(memoryOf(body)).toBeLessThanOrEqual(held)
        expect(body.joined().equals(whole)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('keeps a body that came at once, and large chunks, as they came', () => {
    const small = Buffer.from('{}')
    const body = new BodyPieces()
    body.append(small, 2)
    body.end()
    expect(body.pieces[0]?.buffer).toBe(small.buffer)
    const chunks = [Buffer.alloc(64 * KiB), Buffer.alloc(64 * KiB)]
    const large = new BodyPieces()
    for (const chunk of chunks) large.append(chunk, 128 * KiB)
    expect(large.pieces.map((piece) => piece.buffer)).toEqual(chunks.map((chunk) => chunk.buffer))
  })

  it('puts chunks of one byte together', () => {
    const { body, held } = collected(
      Array.from({ length: 200 * KiB }, () => 1),
      false,
    )
    expect(body.pieces).toHaveLength(4)
    expect(held).toBe(256 * KiB)
  })
})
