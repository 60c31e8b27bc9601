import { z } from 'zod'

/** A CEL expression; whether it compiles is not the schema's business. */
export const expression = z.string().meta({ title: 'expression' })

/** An ordered map from a name to an expression. */
export const expressions = z.record(z.string().min(1, 'a name must not be empty'), expression)

export const texts = z.array(z.string())

/** `1.5s`, `50ms`, `1m30s`. */
export const duration = z
  .string()
  .regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, 'must be a duration such as 500ms, 1.5s or 1m30s')
  .meta({ title: 'duration' })

const BYTES_MESSAGE = 'must be a number of bytes, as 1048576 or 1Mi'

/** Bytes: a whole number, or text with a unit of 1024 (`64Mi`). */
export const bytes = z
  .union([z.int().positive(), z.string().regex(/^\d+(Ki|Mi|Gi|Ti)?$/, BYTES_MESSAGE)], { error: BYTES_MESSAGE })
  .meta({ title: 'bytes' })

/** The path of a URL. */
export const urlPath = z.string().regex(/^\//, 'must start with /')

export const port = z.int().min(1).max(65535)

/** Names and literal values of HTTP headers (RFC 9110, 5.5 and 5.6.2). Messages never repeat a value: it may be a secret. */
export const headers = z.record(
  z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, 'is not the name of an HTTP header'),
  z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'holds a character that no HTTP header may have'),
)
