import { canonicalJson } from '../../contract/digest.ts'
import type { Problem } from '../api/problem.ts'
import type { Workload } from '../api/verdict.ts'
import { KubeError } from '../kube/client/kube-error.ts'
import { type AppliedObject, objectKey } from './applied-object.ts'
import { type LiveObject, MADE_KINDS, type MadeKind, type Manifest } from './manifest.ts'
import { objectSelector } from './object-names.ts'
import { isMap } from './overlay.ts'
import { ownershipOf } from './ownership.ts'
import { projectionDigest } from './projection.ts'
import type { RenderedWorkload } from './render.ts'
import type { NamedObject, WorkloadClient } from './workload-client.ts'

/** Whose the fields are that weir applies. */
const FIELD_MANAGER = 'weir'
/** Whose `replicas` is once weir has left it to an autoscaler. */
const REPLICAS_MANAGER = 'weir-replicas'

/** The server has understood, and says no: nothing but a change of the object, or of its policies, helps. */
const REFUSALS: readonly number[] = [400, 403, 422]
/** For fields of a wrong type, server-side apply says 500 without a reason: only its words tell that from a fault. */
const WRONG_TYPES = /failed to (convert new object|create typed patch object)/

/** What became of one Gateway's objects. */
export interface ApplyOutcome {
  /** By objectKey. */
  readonly applied: ReadonlyMap<string, AppliedObject>
  /** Errors, each about one object; the other objects are applied all the same. */
  readonly problems: readonly Problem[]
  /** Why it was broken off; undefined when it was not. */
  readonly failure: string | undefined
}

/**
 * Applies what is rendered and differs from what was applied before, and deletes what the Gateway owns and no longer
 * needs. What is not its own stays as it is, and is a Problem.
 * @param before what was applied last time
 */
export async function applyWorkload(
  client: WorkloadClient,
  workload: Workload,
  rendered: RenderedWorkload,
  before: ReadonlyMap<string, AppliedObject>,
): Promise<ApplyOutcome> {
  if (workload.uid === undefined) throw new Error(`Gateway ${workload.gateway.name} has no uid: it is from a file`)
  const applied = new Map<string, AppliedObject>()
  const problems: Problem[] = []
  try {
    const live = await liveObjects(client, workload)
    for (const manifest of rendered.objects) {
      const key = objectKey({ ...manifest, ...manifest.metadata })
      const target: Target = { workload, rendered, manifest, live: live.get(key), before: before.get(key) }
      const outcome = await applyObject(client, target)
      if ('message' in outcome) problems.push(outcome)
      else applied.set(key, outcome)
    }
    await prune(client, workload, rendered, [...live.values()])
    return { applied, problems, failure: undefined }
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    return { applied, problems, failure: error.message }
  }
}

/** What the server has with the Gateway's labels, by objectKey. */
async function liveObjects(client: WorkloadClient, { gateway }: Workload): Promise<ReadonlyMap<string, LiveObject>> {
  const selector = objectSelector(gateway.name)
  const lists = await Promise.all(MADE_KINDS.map((kind) => client.list(kind, gateway.namespace, selector)))
  return new Map(
    lists.flat().map((live) => [objectKey({ ...live, namespace: gateway.namespace, name: live.metadata.name }), live]),
  )
}

/** One object to apply. */
interface Target {
  readonly workload: Workload
  readonly rendered: RenderedWorkload
  readonly manifest: Manifest
  /** Found by its labels. */
  readonly live: LiveObject | undefined
  readonly before: AppliedObject | undefined
}

async function applyObject(client: WorkloadClient, target: Target): Promise<AppliedObject | Problem> {
  const { workload, manifest, before } = target
  const object = namedObject(manifest)
  try {
    // Somebody else's object of that name lacks the labels; force would make it weir's.
    const live = target.live ?? (await client.get(object))
    const ownership = live === undefined ? 'own' : ownershipOf(live, workload)
    if (ownership === 'foreign') return notDeployed(workload, object, 'is not of this Gateway: it is left as it is')
    if (live !== undefined && ownership === 'leftOver') await client.delete(object, live.metadata.uid ?? '')
    if (live !== undefined && before !== undefined && isAsApplied(live, manifest, before)) return before
    if (live !== undefined) await leaveReplicas(client, target, live)
    const now = await client.apply(object, manifest, FIELD_MANAGER)
    return { manifest, projection: projectionDigest(now, manifest) }
  } catch (error) {
    if (!(error instanceof KubeError) || !isRefusal(error)) throw error
    return notDeployed(workload, object, `is refused by the API server: ${error.message}`)
  }
}

function isRefusal({ status, message }: KubeError): boolean {
  return REFUSALS.includes(status) || (status === 500 && WRONG_TYPES.test(message))
}

function isAsApplied(live: LiveObject, manifest: Manifest, before: AppliedObject): boolean {
  return (
    canonicalJson(manifest) === canonicalJson(before.manifest) && projectionDigest(live, manifest) === before.projection
  )
}

/**
 * An applied field that is left out next time falls back to its default: pods would go down to one before an autoscaler
 * has looked. So weir first hands the number of pods, as it is, to another manager, who keeps it until somebody sets it.
 */
async function leaveReplicas(client: WorkloadClient, { rendered, manifest }: Target, live: LiveObject): Promise<void> {
  if (manifest.kind !== 'Deployment' || !rendered.leavesReplicas || !setsReplicas(live)) return
  const { apiVersion, kind, metadata } = manifest
  const { replicas } = live.spec as { readonly replicas?: number }
  const body = {
    apiVersion,
    kind,
    metadata: { name: metadata.name, namespace: metadata.namespace },
    spec: { replicas },
  }
  await client.apply(namedObject(manifest), body, REPLICAS_MANAGER)
}

function setsReplicas({ metadata }: LiveObject): boolean {
  return (metadata.managedFields ?? []).some(({ manager, operation, fieldsV1 }) => {
    const spec = isMap(fieldsV1) ? fieldsV1['f:spec'] : undefined
    return manager === FIELD_MANAGER && operation === 'Apply' && isMap(spec) && 'f:replicas' in spec
  })
}

async function prune(
  client: WorkloadClient,
  workload: Workload,
  { objects, kept }: RenderedWorkload,
  live: readonly LiveObject[],
): Promise<void> {
  const wanted = new Set(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`))
  for (const object of live) {
    const { kind, metadata } = object
    if (wanted.has(`${kind} ${metadata.name}`) || kept.includes(kind)) continue
    if (ownershipOf(object, workload) === 'foreign') continue
    const name = { ...madeKind(kind), namespace: workload.gateway.namespace, name: metadata.name }
    await client.delete(name, metadata.uid ?? '')
  }
}

function namedObject({ kind, metadata }: Manifest): NamedObject {
  return { ...madeKind(kind), namespace: metadata.namespace, name: metadata.name }
}

function madeKind(kind: string): MadeKind {
  return MADE_KINDS.find((one) => one.kind === kind) as MadeKind
}

function notDeployed({ gateway }: Workload, { kind, namespace, name }: NamedObject, what: string): Problem {
  return {
    kind: 'NotDeployed',
    severity: 'error',
    at: gateway,
    path: 'metadata.name',
    message: `${kind} ${namespace}/${name} ${what}`,
  }
}
