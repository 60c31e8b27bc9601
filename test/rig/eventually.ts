const WITHIN_MS = 30_000
const EVERY_MS = 25

/**
 * Waits until the check says yes, for what a cluster does in its own time and tells nobody.
 * @throws naming what did not come, after half a minute
 */
export async function eventually(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WITHIN_MS
  while (!(await check())) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${WITHIN_MS / 1000} s in vain: ${what}`)
    await new Promise((done) => setTimeout(done, EVERY_MS))
  }
}
