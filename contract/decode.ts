import type { z } from 'zod'
import { type Snapshot, snapshotSchema } from './snapshot.ts'

/** What came in instead of a snapshot, and where it is wrong. */
export interface Malformed {
  ok: false
  path: string
  message: string
}

function firstIssue(error: z.ZodError): Malformed {
  const issue = error.issues[0]
  return { ok: false, path: (issue?.path ?? []).join('.'), message: issue?.message ?? 'not a snapshot' }
}

/** Reads a snapshot from data that somebody else wrote. Unknown fields are ignored. */
export function decodeSnapshot(data: unknown): { ok: true; snapshot: Snapshot } | Malformed {
  const parsed = snapshotSchema.safeParse(data)
  return parsed.success ? { ok: true, snapshot: parsed.data } : firstIssue(parsed.error)
}
