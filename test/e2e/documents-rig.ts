import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MockModel, startMockModel } from '../../cli/demo/mock-model.ts'
import { eventually } from '../rig/eventually.ts'
import { sampleImage } from '../rig/kubelet/sample-image.ts'
import { createCertificateAuthority } from '../support/certificates.ts'
import { COLLECTOR_IMAGE, collectorImage } from './collector-on-rig.ts'
import { startWeirOnRig, type WeirOnRig } from './weir-on-rig.ts'

/** The namespace of the documents. */
export const DOCUMENTS_NAMESPACE = 'kgateway-system'
export const PROVIDER = 'generativelanguage.googleapis.com'
/** Where the rig stands in for the provider: an address that no load-balancer of a suite reaches. */
const PROVIDER_ADDRESS = '203.0.113.200'
const HTTPS_PORT = 443
const MCP_SERVER_IMAGE = 'ghcr.io/peterj/mcp-website-fetcher'
/** The port of the document's Service. */
const MCP_SERVER_PORT = '8000'

/** A cluster as the documents begin with it: weir is installed, the provider answers at its own name. */
export interface DocumentsRig extends WeirOnRig {
  readonly model: MockModel
}

export async function startDocumentsRig(): Promise<DocumentsRig> {
  const authority = createCertificateAuthority()
  const cluster = await startWeirOnRig({
    images: {
      [COLLECTOR_IMAGE]: collectorImage(),
      // Its pod runs and listens; nothing asks it anything while MCP is not built.
      [MCP_SERVER_IMAGE]: { ...sampleImage, env: { PORT: MCP_SERVER_PORT } },
    },
    dnsHosts: { [PROVIDER]: PROVIDER_ADDRESS },
    trustedCertificate: authority.certificate,
  })
  try {
    // The node made the address.
    const model = await startMockModel({ host: PROVIDER_ADDRESS, port: HTTPS_PORT, tls: authority.issue([PROVIDER]) })
    await cluster.kubectl('create', 'namespace', DOCUMENTS_NAMESPACE)
    const stop = async (): Promise<void> => {
      await cluster.stop()
      await model.close()
    }
    return { ...cluster, model, stop }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

/** A manifest of test/documents, by its path there. */
export function documentManifest(path: string): string {
  return readFileSync(join(import.meta.dirname, '../documents', path), 'utf8')
}

/** `type: status`, sorted, of the conditions that `jsonpath` finds in an object of the documents' namespace. */
export async function conditionsOf(
  { kubectl }: WeirOnRig,
  object: string,
  { namespace = DOCUMENTS_NAMESPACE, path = '.status.conditions' } = {},
): Promise<readonly string[]> {
  const template = `jsonpath={range ${path}[*]}{.type}: {.status}{"\\n"}{end}`
  const printed = await kubectl('get', object, '-n', namespace, '-o', template)
  return printed
    .split('\n')
    .filter((line) => line !== '')
    .sort()
}

/** The address that the load-balancer gave to a Gateway's Service, by the document's command. */
export async function loadBalancerAddress({ kubectl }: WeirOnRig, gateway: string): Promise<string> {
  let address = ''
  await eventually(`the address of ${gateway}`, async () => {
    const path = `jsonpath={.status.loadBalancer.ingress[0]['hostname','ip']}`
    address = await kubectl('get', 'svc', '-n', DOCUMENTS_NAMESPACE, gateway, '-o', path).catch(() => '')
    return address !== ''
  })
  return address
}
