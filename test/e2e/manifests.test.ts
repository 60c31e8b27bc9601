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
  const { status, body } = await create(withoutClusterAddress(document), { dryRun: 'All', fieldValidation: 'Strict' })
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

/** What reading files says where it refuses more than an API server does, and why. */
const STRICTER: { readonly [message: string]: string } = {
  "'rules' has two rules of the same name": 'the type says that names are unique, and the standard CRD does not ask',
  "'addresses' has the same address twice": 'the CRD asks for unique values of the types IPAddress and Hostname only',
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
      const refusals = { apiServer: await refusalByApiServer(document), files: refusal }
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
          const { refusal } = refusalByFiles(document)
          if (refusal !== undefined && Object.hasOwn(STRICTER, refusal)) return
          const said = await refusalByApiServer(document)
          expect({ document, said, refusal }).toEqual({
            document,
            said: refusal === undefined ? undefined : expect.any(String),
            refusal,
          })
        },
      ),
      { numRuns: 500 },
    )
  }, 120_000)
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
