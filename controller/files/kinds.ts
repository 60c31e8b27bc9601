import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GATEWAY_API_GROUP } from '../../contract/names.ts'
import { type KnownKind, readCrd } from './crd.ts'
import type { Schema } from './schema.ts'
import { configMap, endpointSlice, namespace, secret, service } from './schemas/core.ts'
import { gateway, gatewayClass } from './schemas/gateway.ts'
import { httpRoute } from './schemas/http-route.ts'
import { label, serviceName } from './schemas/names.ts'
import { type ObjectNaming, objectSchema } from './schemas/object.ts'
import { backendTlsPolicy, referenceGrant } from './schemas/policies.ts'

function define(apiVersions: readonly string[], kind: string, fields: Schema, naming: ObjectNaming): KnownKind {
  const [group, versions] = apiVersions[0]!.includes('/')
    ? [apiVersions[0]!.split('/')[0]!, apiVersions.map((version) => version.split('/')[1]!)]
    : ['', apiVersions]
  return { group, versions, kind, namespaced: naming.namespaced, schema: objectSchema(naming, fields) }
}

const NAMESPACED: ObjectNaming = { namespaced: true }
const V1 = `${GATEWAY_API_GROUP}/v1`
const V1BETA1 = `${GATEWAY_API_GROUP}/v1beta1`

/** The kinds whose CRDs are not ours, or that have none. */
const BUILT_IN: readonly KnownKind[] = [
  define([V1, V1BETA1], 'GatewayClass', gatewayClass, { namespaced: false }),
  define([V1, V1BETA1], 'Gateway', gateway, NAMESPACED),
  define([V1, V1BETA1], 'HTTPRoute', httpRoute, NAMESPACED),
  define([V1, V1BETA1], 'ReferenceGrant', referenceGrant, NAMESPACED),
  define([V1], 'BackendTLSPolicy', backendTlsPolicy, NAMESPACED),
  define(['v1'], 'Secret', secret, NAMESPACED),
  define(['v1'], 'ConfigMap', configMap, NAMESPACED),
  define(['v1'], 'Service', service, { namespaced: true, name: serviceName }),
  define(['v1'], 'Namespace', namespace, { namespaced: false, name: label }),
  define(['discovery.k8s.io/v1'], 'EndpointSlice', endpointSlice, NAMESPACED),
]

/** The files of our own CustomResourceDefinitions, in `crds/` of this package. */
const CRD_FILES = ['gateway.kgateway.dev_backends.yaml', 'gateway.kgateway.dev_gatewayparameters.yaml']

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
  return group === '' ? versions[0]! : `${group}/${versions[0]}`
}
