import { createServer } from 'node:https'
import { PROVIDER_NAMES } from '../../contract/providers.ts'
import type { AiProvider } from '../../contract/snapshot.ts'
import { createCertificateAuthority } from '../../test/support/certificates.ts'
import { startChatRig } from '../../test/support/chat-rig.ts'
import { ask } from '../../test/support/client.ts'
import { COMPLETION } from '../../test/support/upstream.ts'
import { GatewayError } from '../fault.ts'
import { authHeaders, type ProviderTarget, providerTarget } from './provider-target.ts'
import { PROVIDERS } from './providers/provider-table.ts'

function targetOf(provider: Omit<AiProvider, 'name'>): ProviderTarget {
  const target = providerTarget({ name: 'p', ...provider })
  if (target instanceof GatewayError) throw target
  return target
}

const VERTEX = { provider: 'vertexai', projectId: 'proj', location: 'us-central1' } as const
const AZURE = { provider: 'azureopenai', deploymentName: 'dep', apiVersion: '2025-01-01' } as const

describe('providerTarget', () => {
  it.each<[Omit<AiProvider, 'name'>, string, string]>([
    [{ provider: 'openai' }, 'https api.openai.com', '/v1/chat/completions'],
    [{ provider: 'gemini' }, 'https generativelanguage.googleapis.com', '/v1beta/openai/chat/completions'],
    [
      VERTEX,
      'https us-central1-aiplatform.googleapis.com',
      '/v1beta1/projects/proj/locations/us-central1/endpoints/openapi/chat/completions',
    ],
    [
      { ...VERTEX, location: 'global' },
      'https aiplatform.googleapis.com',
      '/v1beta1/projects/proj/locations/global/endpoints/openapi/chat/completions',
    ],
    [
      { ...AZURE, endpoint: 'x.openai.azure.com' },
      'https x.openai.azure.com',
      '/openai/deployments/dep/chat/completions?api-version=2025-01-01',
    ],
    [
      { ...AZURE, endpoint: 'https://x.openai.azure.com/' },
      'https x.openai.azure.com',
      '/openai/deployments/dep/chat/completions?api-version=2025-01-01',
    ],
    [{ ...AZURE, endpoint: 'http://x.local:8080', path: '/p' }, 'http x.local:8080', '/p'],
    [{ ...AZURE, endpoint: 'http://x.local', path: '/p' }, 'http x.local', '/p'],
    [{ provider: 'openai', host: 'llm.local', port: 8000, path: '/v2/chat' }, 'http llm.local:8000', '/v2/chat'],
    [{ provider: 'openai', host: 'llm.local' }, 'https llm.local', '/v1/chat/completions'],
    [{ provider: 'openai', port: 8443 }, 'http api.openai.com:8443', '/v1/chat/completions'],
    [{ provider: 'openai', host: 'llm.local', port: 80 }, 'http llm.local', '/v1/chat/completions'],
    [{ provider: 'openai', host: '::1', port: 8000 }, 'http [::1]:8000', '/v1/chat/completions'],
    [
      { provider: 'openai', host: 'llm.local', port: 8443, tls: { hostname: 'cert.name' } },
      'https llm.local:8443',
      '/v1/chat/completions',
    ],
  ])('%j', (provider, address, path) => {
    const target = targetOf(provider)
    expect(`${target.tls === undefined ? 'http' : 'https'} ${target.authority}`).toBe(address)
    expect(target.path).toBe(path)
    expect(target.tls?.hostname).toBe(target.tls && (provider.tls?.hostname ?? target.host))
  })

  it.each<[Omit<AiProvider, 'name'>, string | undefined]>([
    [{ provider: 'openai' }, undefined],
    [{ provider: 'openai', model: 'gpt-4o' }, 'gpt-4o'],
    [{ ...VERTEX, model: 'gemini-2.5-flash' }, 'google/gemini-2.5-flash'],
    [{ ...VERTEX, model: 'gemini-2.5-flash', publisher: 'GOOGLE' }, 'google/gemini-2.5-flash'],
    [{ ...VERTEX, model: 'meta/llama-3' }, 'meta/llama-3'],
    [{ ...AZURE, endpoint: 'x' }, undefined],
  ])('fixes the model of %j as %s', (provider, model) => expect(targetOf(provider).model).toBe(model))

  it.each<[Omit<AiProvider, 'name'>, string]>([
    [{ provider: 'azureopenai' }, "provider 'p' names no valid endpoint"],
    [{ ...AZURE, endpoint: 'http://' }, "provider 'p' names no valid endpoint"],
    [{ provider: 'vertexai' }, "provider 'p' names no valid endpoint"],
    [{ provider: 'openai', broken: { status: 500, message: 'secret x is missing' } }, 'secret x is missing'],
  ])('says what is wrong with %j', (provider, message) => {
    expect(providerTarget({ name: 'p', ...provider })).toMatchObject({ code: 'invalid_backend', message })
  })

  it('knows a well-known name for every provider', () => {
    for (const row of Object.values(PROVIDERS)) expect(PROVIDER_NAMES[row.name]).toMatch(/^[a-z_.]+$/)
  })

  it('speaks TLS to port 443 under the provider’s own name, and shows nothing to anybody else', async () => {
    const authority = createCertificateAuthority()
    const seen: string[] = []
    const { certificate: cert, privateKey: key } = authority.issue(['generativelanguage.googleapis.com'])
    const server = createServer({ cert, key }, (request, response) => {
      seen.push(`${request.headers.host} ${request.headers.authorization}`)
      response.writeHead(200, { 'content-type': 'application/json' }).end(COMPLETION)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as { port: number }
    const askWith = async (ca: string, hostname: string): Promise<number> => {
      const rig = await startChatRig({
        groups: [
          [
            {
              name: 'p',
              provider: 'gemini',
              model: 'm',
              tls: { hostname, ca },
              auth: { kind: 'credential', credential: 'c' },
            },
          ],
        ],
        tokens: { c: 't' },
        upstreams: {
          connectTo: [
            { fromHost: 'generativelanguage.googleapis.com', fromPort: 443, toHost: '127.0.0.1', toPort: port },
          ],
        },
      })
      const { status } = await ask(rig.port, { path: '/gemini', body: '{"model":""}' })
      await rig.close()
      return status
    }
    const name = 'generativelanguage.googleapis.com'
    try {
      expect(await askWith(createCertificateAuthority().certificate, name)).toBe(502)
      expect(await askWith(authority.certificate, 'other.example')).toBe(502)
      expect(seen).toEqual([])
      expect(await askWith(authority.certificate, name)).toBe(200)
      expect(seen).toEqual([`${name} Bearer t`])
    } finally {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    }
  })
})

describe('authHeaders', () => {
  it('never shows the token in what it says', () => {
    const target = targetOf({ provider: 'openai', auth: { kind: 'credential', credential: 'c' } })
    const wrong = authHeaders(target, () => ({ type: 'token', token: 'se\ncret' }))
    expect(wrong).toBeInstanceOf(GatewayError)
    expect(JSON.stringify(wrong) + String(wrong)).not.toContain('cret')
    const certificate = { type: 'certificate', certificate: 'x', privateKey: 'y' } as const
    expect(authHeaders(target, () => certificate)).toMatchObject({ code: 'credential_missing' })
  })
})
