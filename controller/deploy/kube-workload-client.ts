import type { KubeClient } from '../kube/client/kube-client.ts'
import { hasStatus } from '../kube/client/kube-error.ts'
import { resourcePath } from '../kube/client/resource-path.ts'
import type { LiveObject, MadeKind } from './manifest.ts'
import type { NamedObject, WorkloadClient } from './workload-client.ts'

/** Objects of one Gateway are few; more than a page of them are others' with the same labels. */
const PAGE = 500

/** {@link WorkloadClient} over the controller's connection to the API server. */
export function kubeWorkloadClient(client: KubeClient): WorkloadClient {
  return {
    list: (kind, namespace, labelSelector) => listAll(client, kind, namespace, labelSelector),
    get: async (object) => {
      try {
        return await client.get<LiveObject>(pathOf(object))
      } catch (error) {
        if (hasStatus(error, 404)) return undefined
        throw error
      }
    },
    apply: (object, body, fieldManager) => client.apply<LiveObject>(pathOf(object), body, { fieldManager }),
    delete: async (object, uid) => {
      try {
        await client.delete(pathOf(object), { uid })
      } catch (error) {
        if (!hasStatus(error, 404) && !hasStatus(error, 409)) throw error
      }
    },
  }
}

function pathOf({ namespace, name, ...kind }: NamedObject): string {
  return resourcePath({ ...kind, namespaced: true }, { namespace, name })
}

async function listAll(
  client: KubeClient,
  { apiVersion, kind, plural }: MadeKind,
  namespace: string,
  labelSelector: string,
): Promise<readonly LiveObject[]> {
  const path = resourcePath({ apiVersion, plural, namespaced: true }, { namespace })
  const found: LiveObject[] = []
  let next: string | undefined
  do {
    try {
      const page = await client.list(path, { limit: PAGE, continue: next, labelSelector })
      // In a list, the API server leaves out what all items have in common.
      found.push(...page.items.map((item) => ({ ...(item as LiveObject), apiVersion, kind })))
      next = page.continue
    } catch (error) {
      if (hasStatus(error, 404)) return []
      throw error
    }
  } while (next !== undefined)
  return found
}
