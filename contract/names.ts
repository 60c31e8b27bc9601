/** Names that users write and both halves of weir must agree on. */

export const GATEWAY_API_GROUP = 'gateway.networking.k8s.io'
/** The group of Backend, GatewayParameters and TrafficPolicy: the documented one. */
export const WEIR_GROUP = 'gateway.kgateway.dev'
export const CONTROLLER_NAME = 'weir.dev/gateway-controller'
/** The classes that weir serves: its own, and the one that the documents name. */
export const GATEWAY_CLASSES = ['weir', 'agentgateway'] as const

/** The condition type that says how a Gateway's telemetry stands. */
export const TELEMETRY_CONDITION = 'weir.dev/Telemetry'
/** The data key of a Secret that holds a provider's token. */
export const SECRET_TOKEN_KEY = 'Authorization'
/** The data key of the tracing ConfigMap. */
export const CONFIG_KEY = 'config.yaml'

/** Ports that a pod uses for itself; a listener on one of them is a Problem. */
export const ADMIN_PORT = 15000
export const STATS_PORT = 15020
export const READINESS_PORT = 15021
export const RESERVED_PORTS: readonly number[] = [ADMIN_PORT, STATS_PORT, READINESS_PORT]

/** The instrumentation scope of every span and the resource's service name when nothing else names one. */
export const SCOPE_NAME = 'weir'
