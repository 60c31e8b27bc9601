import { createTokenReview } from './token-review.ts'

interface Asked {
  readonly path: string
  readonly token: string
  readonly audiences: readonly string[]
}

/** An API server whose answers the test gives, in the shape of authentication.k8s.io/v1. */
function apiServer(answer: (token: string) => unknown) {
  const asked: Asked[] = []
  return {
    asked,
    create: async (path: string, body: unknown): Promise<unknown> => {
      const { token, audiences } = (body as { spec: { token: string; audiences: string[] } }).spec
      asked.push({ path, token, audiences })
      return await answer(token)
    },
  }
}

const good = {
  kind: 'TokenReview',
  status: {
    authenticated: true,
    audiences: ['weir'],
    user: {
      username: 'system:serviceaccount:shop:edge',
      uid: 'u',
      groups: ['system:authenticated'],
      extra: { 'authentication.kubernetes.io/pod-name': ['edge-7'] },
    },
  },
}
const status = (change: object): unknown => ({ ...good, status: { ...good.status, ...change } })

describe('the review of a token', () => {
  it('asks for the audience, and says whose it is', async () => {
    const api = apiServer(() => good)
    expect(await createTokenReview(api)('t')).toEqual({ namespace: 'shop', serviceAccount: 'edge', pod: 'edge-7' })
    const path = '/apis/authentication.k8s.io/v1/tokenreviews'
    expect(api.asked).toEqual([{ path, token: 't', audiences: ['weir'] }])
  })

  it('knows no pod of a token that is bound to none', async () => {
    const api = apiServer(() => status({ user: { username: 'system:serviceaccount:shop:edge' } }))
    expect(await createTokenReview(api)('t')).toEqual({ namespace: 'shop', serviceAccount: 'edge' })
  })

  it.each([
    ['is not authenticated', { authenticated: false }],
    ['was not looked at', { authenticated: undefined }],
    ['has no audience of ours', { audiences: ['https://kubernetes.default.svc'] }],
    ['was reviewed by a server that knows no audiences', { audiences: undefined }],
    ['is a person’s', { user: { username: 'alice' } }],
    ['is of a node', { user: { username: 'system:node:serviceaccount:shop:edge' } }],
  ])('does not take one that %s', async (_what, change) => {
    expect(await createTokenReview(apiServer(() => status(change)))('t')).toBeUndefined()
  })

  it('is asked for once while an answer holds, whether good or bad', async () => {
    let nowMs = 0
    const api = apiServer((token) => (token === 'good' ? good : status({ authenticated: false })))
    const review = createTokenReview(api, { cacheMs: 60, refusedCacheMs: 10, now: () => nowMs })
    await Promise.all([review('good'), review('good'), review('bad')])
    await review('good')
    expect(api.asked.length).toBe(2)
    nowMs = 10
    await review('bad')
    await review('good')
    expect(api.asked.length).toBe(3)
    nowMs = 60
    await review('good')
    expect(api.asked.length).toBe(4)
  })

  it('does not keep a failure', async () => {
    let fails = true
    const api = apiServer(() => {
      if (fails) throw new Error('the API server is away')
      return good
    })
    const review = createTokenReview(api)
    await expect(review('t')).rejects.toThrow('away')
    fails = false
    expect(await review('t')).toMatchObject({ serviceAccount: 'edge' })
  })

  it('rejects an answer that is no TokenReview, without quoting it', async () => {
    await expect(createTokenReview(apiServer(() => ({ status: { authenticated: 'secret' } })))('t')).rejects.toThrow(
      /^the API server answered something that is no TokenReview$/,
    )
  })

  it('keeps so many answers and no more', async () => {
    const api = apiServer(() => good)
    const review = createTokenReview(api, { cacheEntries: 2 })
    for (const token of ['a', 'b', 'c', 'c', 'b', 'a']) await review(token)
    expect(api.asked.map(({ token }) => token)).toEqual(['a', 'b', 'c', 'a'])
  })

  it('has so many under way and no more', async () => {
    let release: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const review = createTokenReview(
      apiServer(async () => {
        await gate
        return good
      }),
      { concurrency: 1 },
    )
    const first = review('a')
    await expect(review('b')).rejects.toThrow('1 tokens are being reviewed already')
    release()
    expect(await first).toBeDefined()
    expect(await review('b')).toBeDefined()
  })
})
