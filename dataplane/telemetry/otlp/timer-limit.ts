/** The longest time that a timer can wait: beyond it Node's timers end at once. About 25 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1
