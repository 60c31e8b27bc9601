import { z } from 'zod'
import { type Resource, resourceSchema } from './snapshot.ts'

/**
 * The messages of the push stream, one gRPC bidirectional stream between a pod and the controller, as JSON. Down:
 * {@link Push}, {@link Redirect}. Up: {@link Hello}, {@link Ack}. Unknown fields and unknown frames are ignored, so that
 * a controller and a data plane one release apart work together; what is in a resource is looked at one by one, by
 * {@link readResource}, so that one that cannot be read is refused by its key and the rest applies.
 */

/** The path of the one method. */
export const PUSH_METHOD = '/weir.v1.Push/Stream'
/** In the headers of a stream that the replica has taken; one that it redirects has them without it. */
export const ACCEPTED_HEADER = 'weir-accepted'
/** The audience of the ServiceAccount tokens that the push server takes. */
export const TOKEN_AUDIENCE = 'weir'
/** The longest frame that goes down. */
export const MAX_PART_BYTES = 1024 * 1024
/** All parts of one push together. */
export const MAX_PUSH_BYTES = 128 * 1024 * 1024
/** The longest frame that goes up: a Hello names every resource. */
export const MAX_UP_FRAME_BYTES = 8 * 1024 * 1024
/** Refusals in one ack at most, and characters in each of their texts. */
export const MAX_REFUSALS = 1000
export const MAX_REFUSAL_LENGTH = 1024

const nonce = z.int().nonnegative()

/** A resource before anybody has looked at its body. */
const bareResource = z.looseObject({ kind: z.string(), key: z.string(), digest: z.string() })

const push = z.object({
  frame: z.literal('push'),
  version: z.string(),
  /** Of this push on this stream; every part has it, and the ack. */
  nonce,
  /** Counted from 0. The push counts once the `last` part is here. */
  part: z.int().nonnegative(),
  last: z.boolean(),
  /** Resources that are new or have another digest. */
  upsert: z.array(bareResource),
  /** Keys without a body, all of the version's: keep the form that you have, or, having none, go without. */
  hold: z.array(z.string()),
  /** Keys that are gone. */
  remove: z.array(z.string()),
})

/** Another replica leads: dial this `host:port`, with the TLS name that you used for this one. */
const redirect = z.object({ frame: z.literal('redirect'), address: z.string().regex(/^\S+:\d{1,5}$/) })

const hello = z.object({
  frame: z.literal('hello'),
  /** `namespace/name`. */
  gateway: z.string(),
  /** The pod's name. */
  pod: z.string(),
  /** The digest of every resource that is here, by key; empty for one that is here but was refused. */
  has: z.record(z.string(), z.string()),
})

const refusal = z.object({
  key: z.string().max(MAX_REFUSAL_LENGTH),
  path: z.string().max(MAX_REFUSAL_LENGTH),
  message: z.string().max(MAX_REFUSAL_LENGTH),
})

/** "This version runs here", but for what is refused. */
const ack = z.object({
  frame: z.literal('ack'),
  nonce,
  version: z.string(),
  refused: z.array(refusal).max(MAX_REFUSALS),
})

const downFrame = z.discriminatedUnion('frame', [push, redirect])
const upFrame = z.discriminatedUnion('frame', [hello, ack])

export type BareResource = z.infer<typeof bareResource>
export type PushFrame = z.infer<typeof push>
export type RedirectFrame = z.infer<typeof redirect>
export type HelloFrame = z.infer<typeof hello>
export type AckFrame = z.infer<typeof ack>
/** One resource that cannot run in a pod, and why. */
export type RefusedResource = z.infer<typeof refusal>
export type DownFrame = PushFrame | RedirectFrame
export type UpFrame = HelloFrame | AckFrame

/** A frame; `undefined` for one of a kind that only a newer release knows; or why it is none. */
export type DecodedFrame<F> =
  | { readonly ok: true; readonly frame: F | undefined }
  | { readonly ok: false; readonly message: string }

/** The frame as it goes over the wire: UTF-8 JSON. */
export function encodeFrame(frame: DownFrame | UpFrame): Buffer {
  return Buffer.from(JSON.stringify(frame))
}

/** Reads what a controller sent. The message of a bad frame names the place and holds nothing of its content. */
export function decodeDownFrame(bytes: Uint8Array): DecodedFrame<DownFrame> {
  return decode(bytes, downFrame)
}

/** Reads what a pod sent. The message of a bad frame names the place and holds nothing of its content. */
export function decodeUpFrame(bytes: Uint8Array): DecodedFrame<UpFrame> {
  return decode(bytes, upFrame)
}

/** The resource with its body checked, unknown fields left out; or where it cannot be read. */
export function readResource(
  bare: BareResource,
): { readonly ok: true; readonly resource: Resource } | { readonly ok: false; readonly refusal: RefusedResource } {
  const parsed = resourceSchema.safeParse(bare)
  if (parsed.success) return { ok: true, resource: parsed.data }
  const issue = parsed.error.issues[0]
  const path = pathOf(issue)
  const message = path === 'kind' ? `unknown kind '${bare.kind}'` : (issue?.message ?? 'not a resource')
  return { ok: false, refusal: shortened({ key: bare.key, path, message }) }
}

/** The refusal with texts that an ack has room for. */
export function shortened({ key, path, message }: RefusedResource): RefusedResource {
  const cut = (text: string): string => text.slice(0, MAX_REFUSAL_LENGTH)
  return { key: cut(key), path: cut(path), message: cut(message) }
}

function decode<F extends DownFrame | UpFrame>(bytes: Uint8Array, schema: z.ZodType<F>): DecodedFrame<F> {
  const value = parseJson(bytes)
  if (value === undefined) return { ok: false, message: 'a frame that is not JSON' }
  const parsed = schema.safeParse(value)
  if (parsed.success) return { ok: true, frame: parsed.data }
  const name = (value as { frame?: unknown } | null)?.frame
  if (typeof name !== 'string') return { ok: false, message: "a frame that does not say in 'frame' what it is" }
  const issue = parsed.error.issues[0]
  const path = pathOf(issue)
  if (path === 'frame') return { ok: true, frame: undefined }
  return { ok: false, message: `a bad ${name} frame: ${path}: ${issue?.message}` }
}

/** Undefined when it is not JSON: the parser's own words would quote the text, and the text may hold a secret. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    return undefined
  }
}

function pathOf(issue: z.core.$ZodIssue | undefined): string {
  return (issue?.path ?? []).join('.')
}

/** What several pods or workers refuse together, each refusal once. */
export function distinctRefusals(refused: readonly RefusedResource[]): RefusedResource[] {
  const byText = new Map(refused.map((one) => [JSON.stringify([one.key, one.path, one.message]), one]))
  return [...byText.values()]
}
