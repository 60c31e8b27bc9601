import { randomFillSync } from 'node:crypto'

/** Bytes of randomness that are fetched at once: a call into the system per id would cost more than the id. */
const POOL_BYTES = 4096

const pool = Buffer.allocUnsafe(POOL_BYTES)
let used = POOL_BYTES

/** Random bytes from the system's CSPRNG as lower-case hex, never all zero (W3C Trace Context 3.2.2.3, 3.2.2.4). */
function randomHex(bytes: number): string {
  for (;;) {
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool)
      used = 0
    }
    const id = pool.toString('hex', used, used + bytes)
    used += bytes
    if (!/^0+$/.test(id)) return id
  }
}

/** A new trace id: 32 hex digits. */
export function newTraceId(): string {
  return randomHex(16)
}

/** A new span id: 16 hex digits. */
export function newSpanId(): string {
  return randomHex(8)
}
