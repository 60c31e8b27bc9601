/**
 * What unshare (util-linux 2.38) prints, piece by piece, when the process that it waits for was killed: it wants to die of
 * the same signal and may not reset SIGKILL. It ends with 1 then.
 */
const NOTICE = 'unshare: sigprocmask unblock failed: Invalid argument\n'

/** Takes unshare's notice of a kill out of a container's stderr, on which it prints, so that it is told from the container's own. */
export class KilledNotice {
  #held = ''

  /** @returns what of the text so far can be none of the notice */
  pass(text: string): string {
    const all = this.#held + text
    const lastLine = all.lastIndexOf('\n', all.length - 2) + 1
    this.#held = NOTICE.startsWith(all.slice(lastLine)) ? all.slice(lastLine) : ''
    return this.#held === '' ? all : all.slice(0, lastLine)
  }

  /** At the end of the stream: whether the notice was there, and what was held back if it was not. */
  end(): { readonly killed: boolean; readonly rest: string } {
    const killed = this.#held === NOTICE
    return { killed, rest: killed ? '' : this.#held }
  }
}
