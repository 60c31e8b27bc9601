import { randomFillSync } from 'node:crypto'

const SPAN_ID_BYTES = 8
const pool = Buffer.alloc(SPAN_ID_BYTES * 512)
let used = pool.length

/** A new span id: 16 lower-case hex digits, random, not all zero (W3C Trace Context 3.2.2.4). */
export function newSpanId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const id = pool.toString('hex', used, used + SPAN_ID_BYTES)
  used += SPAN_ID_BYTES
  return id === '0000000000000000' ? newSpanId() : id
}
