import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { GATEWAY_CLASSES } from '../../contract/names.ts'
import type { KubeObject } from '../../controller/api/inventory.ts'
import { compile } from '../../controller/compile/compile.ts'
import { printCompilation } from '../../controller/compile/print.ts'
import { readFiles } from '../../controller/files/read.ts'
import type { ApiAnswer } from '../rig/api-client.ts'
import { type ControlPlane, startControlPlane } from '../rig/control-plane.ts'
import { partFolder } from '../rig/part-folder.ts'
import { withPart } from './changed-part.ts'
import {
  gatewayApiManifests,
  type ManifestFile,
  type ManifestSet,
  ownManifestSets,
  ownManifests,
} from './manifest-files.ts'

/**
 * Reading files does an API server's work; here a real one does it, on every manifest of the repository and on Gateway
 * API's own examples, and the two must agree: on what is refused, and on what is compiled of what is accepted.
 */
const NAMESPACE = 'default'

let plane: ControlPlane
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-manifests-'))
  plane = await startControlPlane({ folder })
  for (const crds of [join(partFolder('gateway-api'), 'crds'), resolve(import.meta.dirname, '../../crds')]) {
    await plane.kubectl(['apply', '--server-side', '-f', crds])
  }
  await plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s'])
  for (const namespace of namespacesIn([...ownManifests(), ...gatewayApiManifests()])) {
    const { status } = await create(`{apiVersion: v1, kind: Namespace, metadata: {name: ${namespace}}}`, {})
    expect([200, 201]).toContain(status)
  }
}, 120_000)

afterAll(async () => {
  await plane.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

function namespacesIn(files: readonly ManifestFile[]): Set<string> {
  const named = files.flatMap(({ text }) =>
    [...text.matchAll(/\bnamespace: *([a-z0-9-]+)/g)].map(([, name]) => `${name}`),
  )
  return new Set(named)
}

/** As much of a manifest as decides where it is sent. */
interface Manifest {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: { readonly name?: string; readonly namespace?: string }
  readonly spec?: object
}

const NO_SUCH_KIND = 'NoSuchKind'

/** Sends a document as it is written. A kind that the API server has not is answered as kubectl would, without asking. */
async function create(document: string, query: Readonly<Record<string, string>>): Promise<ApiAnswer> {
  const { apiVersion = '', kind = '', metadata } = headOf(document)
  let path: string
  try {
    path = await plane.api.pathOf(apiVersion, kind, metadata?.namespace ?? NAMESPACE)
  } catch (error) {
    return { status: 404, body: { reason: NO_SUCH_KIND, message: (error as Error).message } }
  }
  const sent = { body: document, contentType: 'application/yaml', query }
  const answer = await plane.api.request('POST', path, sent)
  // Namespaces stay for the whole suite: their deletion takes its time.
  if (answer.status !== 409 || kind !== 'Namespace') return answer
  return plane.api.request('PUT', `${path}/${metadata?.name}`, sent)
}

/** A document that is no YAML at all still says its kind in the first lines. */
function headOf(document: string): Manifest {
  try {
    return (parse(document) as Manifest | null) ?? {}
  } catch {
    const line = (key: string): string => new RegExp(`^${key}: *(\\S+)`, 'm').exec(document)?.[1] ?? ''
    return { apiVersion: line('apiVersion'), kind: line('kind'), metadata: {} }
  }
}

/** Services' addresses are the cluster's to give: the range is not that of the manifests. */
function withoutClusterAddress(document: string): string {
  return document.replace(/\bclusterIP: (?!None)[^,}]+(, )?/, '')
}

/** What refuses an object for what it is; anything else is a fault of the rig. */
const REFUSALS = ['422 Invalid', '400 BadRequest', `404 ${NO_SUCH_KIND}`]

/** Why the API server refuses a document; undefined where it accepts it. Nothing is kept. */
async function refusalByApiServer(document: string): Promise<string | undefined> {
  const { status, body } = await create(document, { dryRun: 'All', fieldValidation: 'Strict' })
  if (status === 200 || status === 201) return undefined
  expect(REFUSALS).toContain(`${status} ${body.reason}`)
  return body.message
}

/** Why reading files refuses a document; undefined where it accepts it, and where it is of a kind that weir does not read. */
function refusalByFiles(document: string): { readonly read: boolean; readonly refusal: string | undefined } {
  const { objects, problems } = readFiles([{ path: 'in.yaml', text: document }], { namespace: NAMESPACE })
  const refusal = problems.find(({ severity }) => severity === 'error')?.message
  return { read: objects.length > 0 || refusal !== undefined, refusal }
}

/** Where the two may differ, and why. */
const DIFFERENCES: { readonly [path: string]: string } = {
  'test/golden/route-unsupported-filters.in.yaml':
    'retry and sessionPersistence of an HTTPRoute are fields of the experimental CRDs; here are the standard ones',
}

function isAlike({ path }: { readonly path: string }): boolean {
  return !Object.hasOwn(DIFFERENCES, path)
}

/** The rows of a table of tests. */
function rows<T extends { readonly path: string }>(all: readonly T[]): [string, T][] {
  return all.map((one) => [one.path, one])
}

describe('what is refused', () => {
  it.each(rows([...ownManifests(), ...gatewayApiManifests()].filter(isAlike)))('%s', async (_path, { documents }) => {
    for (const document of documents) {
      const { read, refusal } = refusalByFiles(document)
      const refusals = { apiServer: await refusalByApiServer(withoutClusterAddress(document)), files: refusal }
      if (!read) continue
      expect(refusals).toEqual(
        refusals.apiServer === undefined
          ? { apiServer: undefined, files: undefined }
          : { apiServer: expect.any(String), files: expect.any(String) },
      )
    }
  })
})

describe('what is refused of a custom resource', () => {
  it('is the same when any part of its spec is gone, or something else', async () => {
    const resources = ownManifests()
      .filter((file) => isAlike(file) && file.path.startsWith('test/golden'))
      .flatMap(({ documents }) => documents.map((document) => parse(document) as Manifest))
      .filter(({ apiVersion = '', spec }) => spec !== undefined && apiVersion.includes('gateway.'))
    const replacements = [undefined, '', 'x', 'A b', '*', '/', 0, -1, 1.5, 99_999, true, [], {}, null, ['a', 'a'], [{}]]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...resources),
        fc.nat(),
        fc.constantFrom(...replacements, 'x'.repeat(300)),
        async ({ spec = {}, ...resource }, place, replacement) => {
          const document = stringify({ ...resource, spec: withPart(spec, place, replacement) })
          await expectAgreement(document)
        },
      ),
      { numRuns: 500, includeErrorInReport: true },
    )
  }, 120_000)

  it.each([
    ['two rules of one name', route({ rules: [{ name: 'a' }, { name: 'a' }] })],
    ['an address of a type of its own twice', gatewayAt('example.com/pool', 'a', 'a')],
    ['a named address twice', gatewayAt('NamedAddress', 'a', 'a')],
    ['an IP address twice', gatewayAt('IPAddress', '10.0.0.1', '10.0.0.1')],
    ['an IP address and another', gatewayAt('IPAddress', '10.0.0.1', '10.0.0.2')],
    ['a hostname twice', gatewayAt('Hostname', 'a.example', 'a.example')],
    ['a label that is null', { ...route({}), metadata: { name: 'x', labels: { a: null } } }],
    ['an annotation that is null', { ...route({}), metadata: { name: 'x', annotations: { a: null } } }],
  ])('is the same for %s', (_what, object) => expectAgreement(stringify(object)))
})

function route(spec: object): object {
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'x' }, spec }
}

function gatewayAt(type: string, ...values: readonly string[]): object {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'x' },
    spec: {
      gatewayClassName: 'weir',
      listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }],
      addresses: values.map((value) => ({ type, value })),
    },
  }
}

/** A refusal that is the cluster's, which has the one range for its Services that it was started with. */
const NOT_IN_RANGE = 'is not in the valid range'

async function expectAgreement(document: string): Promise<void> {
  const { refusal } = refusalByFiles(document)
  const said = await refusalByApiServer(document)
  if (said?.includes(NOT_IN_RANGE)) return
  expect({ document, said, refusal }).toEqual({
    document,
    said: refusal === undefined ? undefined : expect.any(String),
    refusal,
  })
}

function serviceOf(spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec }
}

/** Objects of built-in kinds that have every field that weir reads, and hardly any other. */
const BUILT_IN: readonly object[] = [
  {
    kind: 'Service',
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.77.77',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [
        { name: 'http', port: 80, protocol: 'TCP', appProtocol: 'kubernetes.io/h2c' },
        { name: 'admin', port: 81 },
      ],
    },
  },
  { kind: 'Service', spec: { type: 'NodePort', ports: [{ port: 80, protocol: 'UDP' }], clusterIP: '' } },
  { kind: 'Service', spec: { type: 'ExternalName', externalName: 'api.example.com.', ports: [{ port: 443 }] } },
  { kind: 'Service', spec: { clusterIP: 'None', ipFamilies: ['IPv6', 'IPv4'], ports: [{ name: 'a', port: 1 }] } },
  {
    kind: 'Service',
    spec: { clusterIP: 'None', ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' },
  },
  ...[
    { addressType: 'IPv4', addresses: ['10.0.0.1', '10.0.0.2'] },
    { addressType: 'IPv6', addresses: ['fd00::1'] },
    { addressType: 'FQDN', addresses: ['a.example', 'b.example.'] },
  ].map(({ addressType, addresses }) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType,
    endpoints: [{ addresses, conditions: { ready: true, terminating: false } }, { addresses }],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }, { port: 8081 }],
  })),
  { kind: 'Namespace', metadata: { name: 'x', labels: { a: 'b', 'example.com/c': '' }, annotations: { a: 'b c' } } },
  { kind: 'ConfigMap', metadata: { name: 'x', labels: { 'a/b': 'c' }, annotations: { a: '', 'b/c': '' } }, data: {} },
  { kind: 'ConfigMap', data: { 'config.yaml': 'a', b: '' }, binaryData: { c: 'eA==' } },
  { kind: 'Secret', type: 'Opaque', data: { Authorization: 'eA==' }, stringData: { Authorization: 'x' } },
  { kind: 'Secret', type: 'kubernetes.io/tls', data: { 'tls.crt': 'eA==' }, stringData: { 'tls.key': 'x' } },
]

/** What parts of the objects above may be replaced by: other good values, and near misses. */
const BUILT_IN_PARTS = [
  ...[
    '',
    'x',
    'A b',
    '*',
    '/',
    'x.',
    '-x',
    'a.b',
    'a.b.',
    'a.b..',
    'a/b',
    'a/b/c',
    `${'x'.repeat(63)}.y`,
    'x'.repeat(64),
  ],
  ...['None', 'ExternalName', 'LoadBalancer', 'IPv4', 'IPv6', 'FQDN', 'RequireDualStack', 'UDP', 'eA==', 'http'],
  ...['10.96.1.1', '10.0.0.2', '010.0.0.1', '10.0.0.256', '10.0.0.1/8', '0.0.0.0', '127.9.9.9', '169.254.1.1'],
  ...['224.0.0.1', '224.0.1.1', 'fd00::1', 'FD00::1', 'fd00:0::1', '::', '::1', 'fe80::1', 'fe80::1%eth0', 'ff12::1'],
  ...['ff05::1', '::ffff:10.0.0.1', '::10.0.0.1', 'fd00:10:96::11', 'fd00::1:0:0:1', `${'x.'.repeat(126)}y`],
  ...[0, -1, 1.5, 80, 81, 65_536, 3_000_000_000, true, undefined, null, [], {}, [null], [''], [{}], ['a', 'a']],
  ...[{ '.': 'eA==' }, { '..a': 'eA==' }, { '.a': 'eA==' }, { 'a b': 'eA==' }, { b: null }, { 'config.yaml': 'eA==' }],
  ...[['IPv4', 'IPv4'], ['IPv4', 'IPv6'], [{ port: 1 }, { port: 1 }], [{ name: '' }, {}], [{ addresses: ['a.b'] }]],
]

describe('what is refused of a built-in kind', () => {
  it('is the same when parts of what weir reads of it are gone, or something else', async () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom(...BUILT_IN_PARTS))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...BUILT_IN),
        fc.array(change, { minLength: 1, maxLength: 2 }),
        async (object, changes) => {
          const { apiVersion = 'v1', kind = '', ...body } = object as Manifest
          // Go takes a list of numbers for bytes, where base64 is meant.
          fc.pre(!['Secret', 'ConfigMap'].includes(kind) || !changes.some(([, part]) => Array.isArray(part)))
          const changed = changes.reduce((parts, [place, part]) => withPart(parts, place, part) as object, body)
          await expectAgreement(stringify({ apiVersion, kind, metadata: { name: 'x' }, ...changed }))
        },
      ),
      { numRuns: 1000, includeErrorInReport: true },
    )
  }, 240_000)

  it.each([
    ['headless, without a selector', { clusterIP: 'None' }],
    ['headless, with an empty selector', { clusterIP: 'None', selector: {} }],
    ['headless, with a selector', { clusterIP: 'None', selector: { a: 'b' } }],
    ['with a cluster IP', { selector: {}, ports: [{ port: 80 }] }],
  ])('is the same for two families without a policy, %s', (_what, spec) =>
    expectAgreement(stringify(serviceOf({ ...spec, ipFamilies: ['IPv4', 'IPv6'] }))),
  )
})

/** What reading the files keeps. */
function objectsIn({ files }: ManifestSet): readonly KubeObject[] {
  return readFiles(files, { namespace: NAMESPACE }).objects
}

/** Makes the files' objects in the cluster. @returns those that reading the files keeps, as the API server has them */
async function applied(set: ManifestSet): Promise<KubeObject[]> {
  for (const document of set.files.flatMap(({ documents }) => documents)) {
    await create(withoutClusterAddress(document), { fieldValidation: 'Ignore' })
  }
  const objects: KubeObject[] = []
  for (const object of objectsIn(set)) {
    const { status, body } = await plane.api.request('GET', await pathTo(object))
    expect({ status, object: object.metadata.name }).toEqual({ status: 200, object: object.metadata.name })
    objects.push(asInFile(body as unknown as KubeObject, object))
  }
  return objects
}

function pathTo({ apiVersion, kind, metadata }: KubeObject): Promise<string> {
  return plane.api.pathOf(apiVersion, kind, metadata.namespace ?? NAMESPACE, metadata.name)
}

/** Without what only a cluster can say: when and as what it was made, who wrote its status, where a Service is. */
function asInFile({ status: _status, ...object }: KubeObject, written: KubeObject): KubeObject {
  const { uid: _uid, ...metadata } = object.metadata
  const { creationTimestamp } = written.metadata
  const { clusterIP } = (written.spec ?? {}) as { readonly clusterIP?: string }
  const { clusterIP: _given, ...spec } = (object.spec ?? {}) as { readonly clusterIP?: string }
  const service = { ...spec, ...(clusterIP === undefined ? {} : { clusterIP }) }
  return {
    ...object,
    metadata: { ...metadata, creationTimestamp },
    ...(object.kind === 'Service' ? { spec: service } : {}),
  }
}

/** Problems of reading are the files' own; what is compared is what compile makes of the objects. */
function compiled(objects: readonly KubeObject[]): unknown {
  return parse(printCompilation(compile({ objects, problems: [] }, { implicitClasses: GATEWAY_CLASSES })))
}

describe('what is compiled', () => {
  it.each(rows(ownManifestSets().filter(isAlike)))('%s', async (_path, set) => {
    const objects = objectsIn(set)
    try {
      expect(compiled(await applied(set))).toEqual(compiled(objects))
    } finally {
      for (const object of objects.filter(({ kind }) => kind !== 'Namespace')) {
        expect([200, 404]).toContain((await plane.api.request('DELETE', await pathTo(object))).status)
      }
    }
  })
})
