import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GATEWAY_API_GROUP } from '../../contract/names.ts'
import { type KnownKind, readCrd } from './crd.ts'
import type { Schema } from './schema.ts'
import { configMap, namespace, secret } from './schemas/core.ts'
import { endpointSlice } from './schemas/endpoint-slice.ts'
import { gateway, gatewayClass } from './schemas/gateway.ts'
import { httpRoute } from './schemas/http-route.ts'
import { label } from './schemas/names.ts'
import { type ObjectNaming, objectSchema } from './schemas/object.ts'
import { backendTlsPolicy, referenceGrant } from './schemas/policies.ts'
import { service } from './schemas/service.ts'

interface Naming extends ObjectNaming {
  readonly group: string
  readonly versions: readonly string[]
}

function define(kind: string, fields: Schema, { group, versions, ...naming }: Naming): KnownKind {
  return { group, versions, kind, namespaced: naming.namespaced, schema: objectSchema(naming, fields) }
}

const CORE = { group: '', versions: ['v1'], namespaced: true }
const GATEWAY_API = { group: GATEWAY_API_GROUP, versions: ['v1', 'v1beta1'], namespaced: true }

/** The kinds whose CRDs are not ours, or that have none. */
const BUILT_IN: readonly KnownKind[] = [
  define('GatewayClass', gatewayClass, { ...GATEWAY_API, namespaced: false }),
  define('Gateway', gateway, GATEWAY_API),
  define('HTTPRoute', httpRoute, GATEWAY_API),
  define('ReferenceGrant', referenceGrant, GATEWAY_API),
  define('BackendTLSPolicy', backendTlsPolicy, { ...GATEWAY_API, versions: ['v1'] }),
  define('Secret', secret, CORE),
  define('ConfigMap', configMap, CORE),
  define('Service', service, { ...CORE, name: label }),
  define('Namespace', namespace, { ...CORE, namespaced: false, name: label }),
  define('EndpointSlice', endpointSlice, { ...CORE, group: 'discovery.k8s.io' }),
]

/** The files of our own CustomResourceDefinitions, in `crds/` of this package. */
const CRD_FILES = [
  'gateway.kgateway.dev_backends.yaml',
  'gateway.kgateway.dev_gatewayparameters.yaml',
  'gateway.kgateway.dev_trafficpolicies.yaml',
]

/** Every kind that is read; the CRDs come from the package's own files, once, when this module is loaded. */
export const KNOWN_KINDS: readonly KnownKind[] = [
  ...BUILT_IN,
  ...CRD_FILES.map((file) => readCrd(readFileSync(join(packageRoot(), 'crds', file), 'utf8'))),
]

/** The folder of package.json: sources and built files are not equally deep below it. */
function packageRoot(): string {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('weir is not in its package: there is no package.json above its files')
    folder = parent
  }
  return folder
}

/** What `apiVersion` says in a manifest of this kind. */
export function apiVersionOf({ group, versions }: KnownKind): string {
  return group === '' ? `${versions[0]}` : `${group}/${versions[0]}`
}
