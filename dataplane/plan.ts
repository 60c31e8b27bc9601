import { digestOf } from '../contract/digest.ts'
import type { RefusedResource } from '../contract/frames.ts'
import type {
  BackendResource,
  CredentialResource,
  ListenerResource,
  Resource,
  Snapshot,
  TelemetryResource,
} from '../contract/snapshot.ts'
import type { Handler } from './http/handler.ts'
import type { RequestPlan } from './http/pipeline.ts'
import { buildRouter, type Router } from './http/router.ts'
import { compileRule, type Rule } from './http/rule.ts'
import type { TelemetryPart } from './telemetry-part.ts'

/** A backend made ready to run. */
export interface BackendPart {
  readonly resource: BackendResource
  readonly handler: Handler
  /** Digest of the resource and of the credentials that it names: the same stamp is the same part. */
  readonly stamp: string
  /** Gives its connections back; requests that run on them go on. */
  close(): void
}

/** What turns single resources into parts. Each throws when a resource cannot run here. */
export interface PartBuilders {
  backend(
    resource: BackendResource,
    credential: (key: string) => CredentialResource | undefined,
  ): Omit<BackendPart, 'resource' | 'stamp'>
  /** Without a resource: a gateway that has none yet, and one whose telemetry is held before it ever had any. */
  telemetry(resource: TelemetryResource | undefined): TelemetryPart
}

/**
 * A snapshot made ready to run: matchers, pools, programs, encoders. Requests are pinned to the parts that they were
 * routed with; a plan is replaced whole, and what its successor does not take over is closed.
 */
export interface Plan extends RequestPlan {
  readonly recorder: TelemetryPart
  readonly router: Router<Rule>
  readonly listeners: readonly ListenerResource[]
  readonly credentials: ReadonlyMap<string, CredentialResource>
  readonly backends: ReadonlyMap<string, BackendPart>
  /** The form in which each resource runs: the snapshot's, or the last good one of what was refused or is held. */
  readonly resources: ReadonlyMap<string, Resource>
}

/** Builds the next plan beside the one that runs; what is the same is taken over with its connections and queues. */
export function buildPlan(
  snapshot: Snapshot,
  current: Plan | undefined,
  builders: PartBuilders,
): { plan: Plan; refused: readonly RefusedResource[] } {
  const refused: RefusedResource[] = []
  const resources = new Map(withHeld(snapshot, current).map((resource) => [resource.key, resource]))
  const lastGood = (key: string): Resource | undefined => current?.resources.get(key)
  /** Makes a part; one that cannot be made is refused, and its last good form is made in its place, if it has one. */
  const made = <R extends Resource, P>(resource: R, make: (resource: R) => P): P | undefined => {
    try {
      return make(resource)
    } catch (error) {
      refused.push({ key: resource.key, path: '', message: (error as Error).message })
      const before = lastGood(resource.key)
      if (before === undefined || before.digest === resource.digest) {
        resources.delete(resource.key)
        return undefined
      }
      resources.set(resource.key, before)
      return make(before as R)
    }
  }
  const credentials = new Map(ofKind(resources, 'credential').map((credential) => [credential.key, credential]))
  const backends = new Map<string, BackendPart>()
  for (const resource of ofKind(resources, 'backend')) {
    const part = made(resource, (one) => backendPart(one, current, credentials, builders))
    if (part !== undefined) backends.set(resource.key, part)
  }
  const rules = ofKind(resources, 'route').flatMap(
    (route) => made(route, (one) => compileRule(one, (key) => backends.get(key))) ?? [],
  )
  const listeners = ofKind(resources, 'listener')
  const [telemetry] = ofKind(resources, 'telemetry')
  const plan: Plan = {
    recorder: telemetryPart(telemetry, current, builders),
    router: buildRouter(listeners, rules),
    listeners,
    credentials,
    backends,
    resources,
  }
  return { plan, refused }
}

/** Closes what the next plan did not take over. */
export function supersede(plan: Plan, next: Plan | undefined): void {
  for (const [key, part] of plan.backends) if (next?.backends.get(key) !== part) part.close()
  if (next?.recorder !== plan.recorder) plan.recorder.supersede()
}

/** The snapshot's resources, and for each key that it holds the form that runs now. */
function withHeld(snapshot: Snapshot, current: Plan | undefined): readonly Resource[] {
  const held = snapshot.hold.flatMap((key) => current?.resources.get(key) ?? [])
  return [...snapshot.resources, ...held]
}

type OfKind<K extends Resource['kind']> = Extract<Resource, { kind: K }>

function ofKind<K extends Resource['kind']>(resources: ReadonlyMap<string, Resource>, kind: K): OfKind<K>[] {
  return [...resources.values()].filter((resource): resource is OfKind<K> => resource.kind === kind)
}

function backendPart(
  resource: BackendResource,
  current: Plan | undefined,
  credentials: ReadonlyMap<string, CredentialResource>,
  builders: PartBuilders,
): BackendPart {
  const stamp = digestOf([
    resource.digest,
    credentialKeysOf(resource).map((key) => credentials.get(key)?.digest ?? null),
  ])
  const running = current?.backends.get(resource.key)
  if (running?.stamp === stamp) return running
  return { resource, stamp, ...builders.backend(resource, (key) => credentials.get(key)) }
}

function credentialKeysOf(resource: BackendResource): readonly string[] {
  if (resource.body.type !== 'ai') return []
  return resource.body.groups
    .flatMap((group) => group.providers)
    .flatMap((provider) => (provider.auth?.kind === 'credential' ? [provider.auth.credential] : []))
}

function telemetryPart(
  resource: TelemetryResource | undefined,
  current: Plan | undefined,
  builders: PartBuilders,
): TelemetryPart {
  const running = current?.recorder
  return running !== undefined && running.digest === (resource?.digest ?? '') ? running : builders.telemetry(resource)
}
