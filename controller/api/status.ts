import type { ParentRef } from './http-route.ts'
import type { Condition } from './verdict.ts'

/** `status` of each kind that weir writes, without transition times. What weir does not write is not named. */

/** Accepted. */
export interface GatewayClassStatus {
  readonly conditions: readonly Condition[]
  /** Sorted by name. */
  readonly supportedFeatures: readonly { readonly name: string }[]
}

/** Accepted, Programmed and, where a tracing ConfigMap is named, weir.dev/Telemetry. */
export interface GatewayStatus {
  /** The deployer's to say: compile knows none. */
  readonly addresses?: readonly GatewayAddress[]
  readonly conditions: readonly Condition[]
  readonly listeners: readonly ListenerStatus[]
}

/** Where a Gateway can be reached. */
export interface GatewayAddress {
  readonly type: 'IPAddress' | 'Hostname'
  readonly value: string
}

/** One for each listener of the spec, in its order: Accepted, Conflicted, ResolvedRefs, Programmed. */
export interface ListenerStatus {
  readonly name: string
  readonly supportedKinds: readonly { readonly group: string; readonly kind: string }[]
  readonly attachedRoutes: number
  readonly conditions: readonly Condition[]
}

/** HTTPRoute. */
export interface RouteStatus {
  /** weir's own entries only; those of other controllers are not weir's to touch. */
  readonly parents: readonly RouteParentStatus[]
}

/** Accepted, ResolvedRefs and, where only some rules work, PartiallyInvalid. */
export interface RouteParentStatus {
  readonly parentRef: ParentRef
  readonly controllerName: string
  readonly conditions: readonly Condition[]
}

/** BackendTLSPolicy and TrafficPolicy. */
export interface PolicyStatus {
  /** weir's own entries only. */
  readonly ancestors: readonly PolicyAncestorStatus[]
}

/**
 * One Gateway through which the policy counts, or a target of a TrafficPolicy that is not there. A BackendTLSPolicy has
 * Accepted and ResolvedRefs; a TrafficPolicy has Accepted, Attached and, where it applies, Conflicted and NotSupported.
 */
export interface PolicyAncestorStatus {
  readonly ancestorRef: ParentRef
  readonly controllerName: string
  readonly conditions: readonly Condition[]
}

/** Backend and GatewayParameters; parameters that no Gateway of weir's uses have no condition. */
export interface ConditionsStatus {
  readonly conditions: readonly Condition[]
}
