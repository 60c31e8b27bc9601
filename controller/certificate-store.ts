import { z } from 'zod'
import type { KubeClient } from './kube/client/kube-client.ts'
import { hasStatus } from './kube/client/kube-error.ts'
import { resourcePath } from './kube/client/resource-path.ts'
import { type Certificates, renewCertificates } from './push/certificate-authority.ts'

const SECRETS = { apiVersion: 'v1', plural: 'secrets', namespaced: true }
const DATA_KEY = 'certificates.json'

const pair = z.object({ certificate: z.string(), privateKey: z.string() })
const certificates = z.object({ authorities: z.array(pair).min(1), server: pair })
const secret = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).default({}),
})

export interface CertificateStoreOptions {
  readonly client: KubeClient
  readonly namespace: string
  /** The Secret's name. */
  readonly name: string
  /** DNS names of the controller's Service. */
  readonly dnsNames: readonly string[]
}

interface Stored {
  readonly resourceVersion: string
  /** Undefined when the Secret holds something else. */
  readonly certificates: Certificates | undefined
}

/** The certificates of the push server, in a Secret that all replicas read and the leader writes. */
export class CertificateStore {
  readonly #options: CertificateStoreOptions
  readonly #path: string

  constructor(options: CertificateStoreOptions) {
    this.#options = options
    this.#path = resourcePath(SECRETS, options)
  }

  /** What is stored; undefined when there is nothing that can be used. @throws KubeError */
  async read(): Promise<Certificates | undefined> {
    return (await this.#get())?.certificates
  }

  /**
   * Brings what is stored up to date. Only the leader may call it.
   * @returns also why they are others than before, and when to ask again
   * @throws KubeError, for instance when another replica has written meanwhile
   */
  async renew(): Promise<ReturnType<typeof renewCertificates>> {
    const stored = await this.#get()
    const renewal = renewCertificates(stored?.certificates, { names: this.#options.dnsNames, now: new Date() })
    if (renewal.changes.length > 0) await this.#put(renewal.certificates, stored?.resourceVersion)
    return renewal
  }

  async #get(): Promise<Stored | undefined> {
    try {
      const { metadata, data } = secret.parse(await this.#options.client.get(this.#path))
      return { resourceVersion: metadata.resourceVersion, certificates: decoded(data[DATA_KEY]) }
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      throw error
    }
  }

  async #put(value: Certificates, resourceVersion: string | undefined): Promise<void> {
    const { client, namespace, name } = this.#options
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      type: 'Opaque',
      data: { [DATA_KEY]: Buffer.from(JSON.stringify(value)).toString('base64') },
    }
    if (resourceVersion === undefined) await client.create(resourcePath(SECRETS, { namespace }), body)
    else await client.replace(this.#path, body)
  }
}

function decoded(base64: string | undefined): Certificates | undefined {
  if (base64 === undefined) return undefined
  try {
    return certificates.safeParse(JSON.parse(Buffer.from(base64, 'base64').toString())).data
  } catch {
    // What stands there is no JSON: it is as good as nothing, and the next renewal replaces it.
    return undefined
  }
}
