import type { ApiClient } from '../api-client.ts'
import type { Pod } from './cluster-objects.ts'
import type { TokenRequest } from './volume-files.ts'

const DEFAULT_SECONDS = 3600
/** A token is renewed when this share of its life is over, as the real kubelet does. */
const RENEW_AT = 0.8

interface Held {
  readonly token: string
  readonly renewAtMs: number
}

/** The tokens that one pod's volumes ask for, each bound to the pod and renewed in time. */
export class ServiceAccountTokens {
  readonly #api: ApiClient
  readonly #pod: Pod
  readonly #held = new Map<string, Held>()

  constructor(api: ApiClient, pod: Pod) {
    this.#api = api
    this.#pod = pod
  }

  /** Gets what is not held or is due. @returns when the next one is due, in milliseconds from now. @throws when one is refused */
  async refresh(requests: readonly TokenRequest[]): Promise<number> {
    for (const request of requests) {
      const held = this.#held.get(keyOf(request))
      if (held === undefined || held.renewAtMs <= Date.now()) this.#held.set(keyOf(request), await this.#ask(request))
    }
    return Math.min(...[...this.#held.values()].map(({ renewAtMs }) => renewAtMs - Date.now()))
  }

  /** A token that {@link refresh} has got. */
  token(request: TokenRequest): string {
    return this.#held.get(keyOf(request))?.token ?? ''
  }

  async #ask({ audience, expirationSeconds = DEFAULT_SECONDS }: TokenRequest): Promise<Held> {
    const { metadata, spec } = this.#pod
    const account = spec.serviceAccountName ?? 'default'
    const path = `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${account}/token`
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid }
    const audiences = audience === undefined || audience === '' ? [] : [audience]
    const { status, body } = await this.#api.request('POST', path, {
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences, expirationSeconds, boundObjectRef },
      },
    })
    if (status !== 201) throw new Error(`token of serviceaccount ${account}: ${body.message ?? status}`)
    const { token, expirationTimestamp } = body['status'] as { token: string; expirationTimestamp: string }
    return { token, renewAtMs: Date.now() + (Date.parse(expirationTimestamp) - Date.now()) * RENEW_AT }
  }
}

function keyOf({ audience, expirationSeconds }: TokenRequest): string {
  return `${audience ?? ''} ${expirationSeconds ?? DEFAULT_SECONDS}`
}
