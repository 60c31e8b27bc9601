/** A mistake in an expression, at a position of its source. */
export class CelMistake extends Error {
  readonly offset: number
  readonly advice: string | undefined
  constructor(message: string, offset: number, advice?: string) {
    super(message)
    this.offset = offset
    this.advice = advice
  }
}
