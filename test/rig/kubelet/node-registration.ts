import { setTimeout as wait } from 'node:timers/promises'
import type { ApiClient } from '../api-client.ts'
import { ADDRESS_PLAN } from '../network/address-plan.ts'

const RENEW_MS = 5_000
const LEASE_SECONDS = 40

export interface NodeShape {
  readonly name: string
  readonly capacity: Readonly<Record<string, string>>
}

/** Makes the Node object, ready to take pods. @throws when the API server refuses */
export async function registerNode(api: ApiClient, node: NodeShape): Promise<void> {
  const { name } = node
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': process.arch === 'x64' ? 'amd64' : process.arch,
    'topology.kubernetes.io/region': 'rig',
    'topology.kubernetes.io/zone': 'rig',
  }
  const created = await api.request('POST', '/api/v1/nodes', {
    body: { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } },
  })
  if (created.status !== 201 && created.status !== 409) throw new Error(`node ${name}: ${created.body.message}`)
  const ready = await patchStatus(api, node)
  if (ready !== 200) throw new Error(`status of node ${name}: ${ready}`)
  // Admission puts it on every new node; the controller that takes it away comes by only now and then.
  await api.request('PATCH', `/api/v1/nodes/${name}`, {
    body: { spec: { taints: null } },
    contentType: 'application/merge-patch+json',
  })
}

/** Says until the signal ends it that the node lives: by its Lease and its status. */
export async function keepAlive(api: ApiClient, node: NodeShape, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // While the API server is away there is nobody to tell; the next round tells.
    await renewLease(api, node.name).catch(() => {})
    await patchStatus(api, node).catch(() => 0)
    await wait(RENEW_MS, undefined, { signal }).catch(() => {})
  }
}

async function patchStatus(api: ApiClient, { name, capacity }: NodeShape): Promise<number> {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: '', lastHeartbeatTime: now }
  const status = {
    conditions: [condition],
    addresses: [
      { type: 'InternalIP', address: ADDRESS_PLAN.node },
      { type: 'Hostname', address: name },
    ],
    capacity,
    allocatable: capacity,
    daemonEndpoints: { kubeletEndpoint: { Port: ADDRESS_PLAN.kubeletPort } },
  }
  const answer = await api.request('PATCH', `/api/v1/nodes/${name}/status`, {
    body: { status },
    contentType: 'application/strategic-merge-patch+json',
  })
  return answer.status
}

async function renewLease(api: ApiClient, name: string): Promise<void> {
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
  const renewTime = new Date().toISOString().replace('Z', '000Z')
  const spec = { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime }
  const renewed = await api.request('PATCH', `${leases}/${name}`, {
    body: { spec },
    contentType: 'application/merge-patch+json',
  })
  if (renewed.status !== 404) return
  await api.request('POST', leases, {
    body: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec },
  })
}
