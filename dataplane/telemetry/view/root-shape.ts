import type { Exchange } from '../../exchange.ts'
import type { Attributes } from '../attributes.ts'
import type { StatusCode } from '../span.ts'
import type { ValueStyle } from './attribute-values.ts'

/** What a profile needs to know of the exporter that it writes for. */
export interface RootSettings {
  /** `namespace/name`; stands for the listener's Gateway where no listener took the request. */
  readonly gateway: string
  /** Built-ins that the user removed, or writes in another way. */
  readonly hidden: ReadonlySet<string>
  /** Whether the `gen_ai.*` built-ins are written: not where the user writes another convention's shape of them. */
  readonly genAi: boolean
  readonly style: ValueStyle
}

/** How one profile makes the root span of an exchange; all of it pure functions of the sealed exchange. */
export interface RootShape {
  /** The span's name where no `span.name` is configured. */
  name(exchange: Exchange): string
  /** Writes the built-in attributes, in their order. */
  write(to: Attributes, exchange: Exchange, settings: RootSettings): void
  status(exchange: Exchange): SpanStatus
  /** Of an attempt that was answered with `status`, whether that makes its span an error. */
  isAttemptError(status: number): boolean
}

export interface SpanStatus {
  readonly code: StatusCode
  readonly message: string
}
