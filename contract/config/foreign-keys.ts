import { z } from 'zod'
import { key } from './key.ts'

/**
 * Keys that come with documents written for agentgateway and mean nothing here, because Kubernetes resources, flags or
 * nothing at all stand in their place. Their values are not looked at.
 */
const DOCUMENTED_ELSEWHERE = {
  adminAddr: 'Address of the admin port; here the flag `--admin` or `ADMIN_ADDR`.',
  statsAddr: 'Address of the metrics; here the flag `--stats` or `STATS_ADDR`.',
  readinessAddr: 'Address of the readiness check; here the flag `--readiness` or `READINESS_ADDR`.',
  enableIpv6: 'Whether to listen on IPv6; here the flag `--bind`.',
  xdsAddress: 'Address of a control plane; here the controller sets it.',
  xdsAuthToken: 'Token for a control plane; here the ServiceAccount token.',
  namespace: 'Namespace of the Gateway; here the controller sets it.',
  gateway: 'Name of the Gateway; here the controller sets it.',
  trustDomain: 'Trust domain of a mesh.',
  serviceAccount: 'ServiceAccount of a mesh workload.',
  clusterId: 'Cluster name in a mesh.',
  network: 'Network name in a mesh.',
  caAddress: 'Address of a certificate authority.',
  caAuthToken: 'Token for a certificate authority.',
  localXdsPath: 'File with resources; here the flag `-f`.',
  workerThreads: 'Number of workers; here the CPU limit of the pod.',
  threadingMode: 'How threads are used.',
  connectionTerminationDeadline: 'How long requests may go on at the end; here the flag `--drain`.',
  connectionMinTerminationDeadline: 'How long to wait at the end at least.',
  dns: 'Settings of name resolution.',
  backend: 'Connection settings of upstreams.',
  hbone: 'Settings of mesh tunnels.',
  modelCatalog: 'Prices of models; here `priceCatalogs` of a Backend.',
  database: 'Store for a web page that weir does not have.',
  storage: 'Store for a web page that weir does not have.',
  session: 'Key that seals sessions.',
  mcp: 'MCP settings; here those of a Backend.',
  sensitiveHeaders: 'Headers to hide.',
  customFunctions: 'CEL functions of your own.',
  histograms: 'Form of histograms.',
  standardAttributes: 'Expressions for user and group.',
  spiffe: 'SPIFFE workload API.',
}

const OUTSIDE_CONFIG = {
  binds: 'Ports, listeners and routes; here Gateways and HTTPRoutes.',
  gateways: 'Listeners; here Gateways.',
  routes: 'Routes; here HTTPRoutes.',
  tcpRoutes: 'TCP routes.',
  routeGroups: 'Groups of routes; here HTTPRoutes.',
  backends: 'Upstreams; here Backends.',
  policies: 'Policies; here TrafficPolicies.',
  frontendPolicies: 'Policies of listeners; tracing, logging and metrics have their keys in `config` here.',
  workloads: 'Endpoints of a mesh; here EndpointSlices.',
  services: 'Services of a mesh; here Services.',
  llm: 'Models; here Backends of type AI.',
  mcp: 'MCP servers; here Backends of type MCP.',
}

type ForeignKeys<Table> = { [Name in keyof Table]: z.ZodOptional<z.ZodUnknown> }

function foreign<Table extends { readonly [name: string]: string }>(table: Table): ForeignKeys<Table> {
  const keys = Object.entries(table).map(([name, doc]) => [name, key(z.unknown(), doc, { state: 'noEffect' })])
  return Object.fromEntries(keys) as ForeignKeys<Table>
}

/** Foreign keys of `config`. */
export const foreignConfigKeys = foreign(DOCUMENTED_ELSEWHERE)

/** Foreign keys beside `config`. */
export const foreignTopKeys = foreign(OUTSIDE_CONFIG)
