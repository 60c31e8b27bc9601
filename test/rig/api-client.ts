import { Agent, request } from 'undici'
import type { ClusterAddress, Identity } from './kubeconfig.ts'

/** What the API server answered; nothing is thrown for an answer that is an error. */
export interface ApiAnswer {
  readonly status: number
  /** The object, or a Status (meta/v1) where the request was refused. */
  readonly body: ApiObject
}

/** As much of an API object as the rig itself reads. */
export interface ApiObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly resourceVersion?: string
    readonly uid?: string
  }
  /** Of a Status. */
  readonly reason?: string
  /** Of a Status. */
  readonly message?: string
  readonly [field: string]: unknown
}

export interface ApiRequest {
  /** An object, or a text (YAML, or JSON) that is sent as it is. */
  readonly body?: object | string
  readonly contentType?: string
  readonly query?: Readonly<Record<string, string>>
}

interface ApiResource {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
}

/** Plain HTTP to an API server, as one user, over a few connections that stay open. */
export class ApiClient {
  readonly #url: string
  readonly #agent: Agent
  readonly #authorization: string | undefined
  readonly #resources = new Map<string, readonly ApiResource[]>()

  constructor({ url, authority }: ClusterAddress, identity: Identity) {
    const certificate = 'token' in identity ? {} : { cert: identity.certificate, key: identity.privateKey }
    this.#url = url
    this.#agent = new Agent({ connections: 8, connect: { ca: authority, ...certificate } })
    this.#authorization = 'token' in identity ? `Bearer ${identity.token}` : undefined
  }

  /** @throws when there is no answer */
  async request(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, sent: ApiRequest = {}) {
    const { body, contentType = 'application/json', query = {} } = sent
    const answer = await request(`${this.#url}${path}?${new URLSearchParams(query)}`, {
      dispatcher: this.#agent,
      method,
      headers: {
        accept: 'application/json',
        'content-type': contentType,
        ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await answer.body.text()
    return { status: answer.statusCode, body: parsed(text) } satisfies ApiAnswer
  }

  /** Where the objects of a kind are, or one object, by what the API server itself says of its kinds. @throws for a kind that it has not */
  async pathOf(apiVersion: string, kind: string, namespace: string, name?: string): Promise<string> {
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    const { name: plural, namespaced } = await this.#resource(root, kind)
    return [root, ...(namespaced ? ['namespaces', namespace] : []), plural, ...(name === undefined ? [] : [name])].join(
      '/',
    )
  }

  async close(): Promise<void> {
    await this.#agent.close()
  }

  /** What was heard of a group is kept until a kind is not in it: CRDs come while a suite runs. */
  async #resource(root: string, kind: string): Promise<ApiResource> {
    const find = (): ApiResource | undefined => this.#resources.get(root)?.find((one) => one.kind === kind)
    const heard = find()
    if (heard !== undefined) return heard
    const { body } = await this.request('GET', root)
    const resources = (body['resources'] ?? []) as readonly ApiResource[]
    this.#resources.set(
      root,
      resources.filter(({ name }) => !name.includes('/')),
    )
    const found = find()
    if (found === undefined) throw new Error(`the API server has no ${kind} in ${root}`)
    return found
  }
}

/** Some answers (`/readyz`) are words. */
function parsed(text: string): ApiObject {
  try {
    return JSON.parse(text) as ApiObject
  } catch {
    return { message: text }
  }
}
