import { writeSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads'

/**
 * A preload (`NODE_OPTIONS=--import`) for processes whose memory a test looks at: on SIGUSR2 every thread collects its
 * garbage and writes `heap thread=N usedBytes=N buffersBytes=N` to stderr. Threads other than the main one get no
 * signals; it tells them.
 */
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const channel = new BroadcastChannel('report-heap')
// @types/node leaves it out: without it the channel would keep the process alive.
;(channel as unknown as { unref(): void }).unref()

function report(): void {
  // Code that only starting needed goes at a time of V8's choosing, and would hide as much that has come: let it go now.
  setFlagsFromString('--stress-flush-code')
  // What finalizers let go of in the first run is collected in the second.
  collectGarbage()
  collectGarbage()
  setFlagsFromString('--no-stress-flush-code')
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  writeSync(2, `heap thread=${threadId} usedBytes=${heapUsed} buffersBytes=${arrayBuffers}\n`)
}

if (isMainThread) {
  process.on('SIGUSR2', () => {
    report()
    // V8's flags are those of the whole process: one thread after the other.
    channel.postMessage('report')
  })
} else {
  channel.onmessage = report
}
