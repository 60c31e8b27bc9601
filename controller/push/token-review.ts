import { createHash } from 'node:crypto'
import { z } from 'zod'
import { TOKEN_AUDIENCE } from '../../contract/frames.ts'
import { nowMs } from '../../runtime/clock.ts'

/** Who holds a ServiceAccount token. */
export interface TokenHolder {
  readonly namespace: string
  readonly serviceAccount: string
  /** The pod that the token is bound to, when it is bound to one. */
  readonly pod?: string
}

/** Says whose token it is; undefined for one that is not good. Rejects when nobody can tell now. */
export type ReviewToken = (token: string) => Promise<TokenHolder | undefined>

/** What a review needs of an API server's client: `POST` of a body to a path. */
export interface ReviewApi {
  create(path: string, body: unknown): Promise<unknown>
}

export interface TokenReviewOptions {
  /** How long an answer holds: a token that was taken back is taken for so long yet. */
  readonly cacheMs: number
  readonly refusedCacheMs: number
  readonly cacheEntries: number
  /** Reviews under way at most; more are rejected. */
  readonly concurrency: number
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number
}

const OPTIONS: TokenReviewOptions = {
  cacheMs: 60_000,
  refusedCacheMs: 10_000,
  cacheEntries: 4096,
  concurrency: 64,
  now: nowMs,
}

const REVIEW_PATH = '/apis/authentication.k8s.io/v1/tokenreviews'
/** Set by the API server on tokens that are bound to a pod. */
const POD_NAME = 'authentication.kubernetes.io/pod-name'

const answer = z.object({
  status: z.object({
    authenticated: z.boolean().default(false),
    audiences: z.array(z.string()).default([]),
    user: z
      .object({ username: z.string().default(''), extra: z.record(z.string(), z.array(z.string())).default({}) })
      .default({ username: '', extra: {} }),
  }),
})

interface Entry {
  readonly holder: Promise<TokenHolder | undefined>
  /** Infinity while the review is under way. */
  untilMs: number
}

/**
 * Reviews tokens of the audience `weir` by the API server (authentication.k8s.io/v1 TokenReview). Answers are kept for a
 * while under a hash of the token; a token that is asked for twice at once is reviewed once.
 */
export function createTokenReview(api: ReviewApi, options: Partial<TokenReviewOptions> = {}): ReviewToken {
  const { cacheMs, refusedCacheMs, cacheEntries, concurrency, now } = { ...OPTIONS, ...options }
  /** In the order of their making. */
  const cache = new Map<string, Entry>()
  let underWay = 0

  const begin = (hash: string, token: string): Entry => {
    underWay += 1
    const entry: Entry = { holder: review(api, token), untilMs: Number.POSITIVE_INFINITY }
    const settle = (untilMs: number): void => {
      underWay -= 1
      entry.untilMs = untilMs
      if (untilMs <= now() && cache.get(hash) === entry) cache.delete(hash)
    }
    entry.holder.then(
      (holder) => settle(now() + (holder === undefined ? refusedCacheMs : cacheMs)),
      () => settle(Number.NEGATIVE_INFINITY),
    )
    return entry
  }

  return async (token) => {
    const hash = createHash('sha256').update(token).digest('base64')
    const known = cache.get(hash)
    if (known !== undefined && known.untilMs > now()) return known.holder
    if (underWay >= concurrency) throw new Error(`${concurrency} tokens are being reviewed already`)
    const entry = begin(hash, token)
    cache.delete(hash)
    cache.set(hash, entry)
    for (const oldest of cache.keys()) {
      if (cache.size <= cacheEntries) break
      cache.delete(oldest)
    }
    return entry.holder
  }
}

async function review(api: ReviewApi, token: string): Promise<TokenHolder | undefined> {
  const made = await api.create(REVIEW_PATH, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token, audiences: [TOKEN_AUDIENCE] },
  })
  const parsed = answer.safeParse(made)
  if (!parsed.success) throw new Error('the API server answered something that is no TokenReview')
  const { authenticated, audiences, user } = parsed.data.status
  if (!authenticated || !audiences.includes(TOKEN_AUDIENCE)) return undefined
  const name = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user.username)
  if (name === null) return undefined
  const [, namespace = '', serviceAccount = ''] = name
  const pod = user.extra[POD_NAME]?.[0]
  return { namespace, serviceAccount, ...(pod === undefined ? {} : { pod }) }
}
