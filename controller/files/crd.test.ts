import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { readCrd } from './crd.ts'
import { KNOWN_KINDS } from './kinds.ts'

interface Props {
  readonly [keyword: string]: unknown
  readonly type?: string
  readonly description?: string
  readonly properties?: { readonly [name: string]: Props }
  readonly items?: Props
  readonly additionalProperties?: Props
}

const folder = join(import.meta.dirname, '../../crds')
const crds = readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')] as const)

function schemaOf(text: string): Props {
  return parse(text).spec.versions[0].schema.openAPIV3Schema as Props
}

/** Every schema below one, with its path. */
function* schemasBelow(props: Props, path = ''): Generator<readonly [string, Props]> {
  yield [path, props]
  for (const [name, child] of Object.entries(props.properties ?? {})) yield* schemasBelow(child, `${path}.${name}`)
  if (props.items) yield* schemasBelow(props.items, `${path}[]`)
  if (props.additionalProperties) yield* schemasBelow(props.additionalProperties, `${path}{}`)
}

describe.each(crds)('%s', (_file, text) => {
  it('is read as one of the known kinds', () => {
    const { kind, group, versions, namespaced } = readCrd(text)
    expect(KNOWN_KINDS).toContainEqual(expect.objectContaining({ kind, group, versions, namespaced }))
  })

  it('describes every field', () => {
    const silent = [...schemasBelow(schemaOf(text))]
      .filter(
        ([path, { description }]) =>
          path !== '.metadata' && /\.[^[{]*$/.test(path) && !/[\]}]$/.test(path) && description === undefined,
      )
      .map(([path]) => path)
    expect(silent).toEqual([])
  })

  it('bounds every list, map and text that a rule may look at', () => {
    const unbounded = [...schemasBelow(schemaOf(text))]
      .filter(([path, props]) => path.startsWith('.spec') && isUnbounded(props))
      .map(([path]) => path)
    expect(unbounded).toEqual([])
  })

  it('has the status subresource, with conditions that are merged by type', () => {
    const [version] = parse(text).spec.versions
    expect(version.subresources).toEqual({ status: {} })
    const status = schemaOf(text).properties?.['status']?.properties
    expect(status?.['conditions'] ?? status?.['ancestors']?.items?.properties?.['conditions']).toMatchObject({
      maxItems: 8,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    })
  })
})

function isUnbounded({ type, maxItems, maxLength, maxProperties, pattern, ...rest }: Props): boolean {
  if (type === 'array') return maxItems === undefined
  if (type === 'string')
    return (
      maxLength === undefined && pattern === undefined && rest['enum'] === undefined && rest['format'] === undefined
    )
  return rest.additionalProperties !== undefined && maxProperties === undefined
}

describe('the CRD of Backend', () => {
  it('says the same of the one provider as of the providers in groups, but for their names', () => {
    const text = crds.find(([file]) => file.endsWith('_backends.yaml'))![1]
    const ai = schemaOf(text).properties?.['spec']?.properties?.['ai']?.properties
    const provider = ai?.['priorityGroups']?.items?.properties?.['providers']?.items
    const { name, ...fields } = provider?.properties ?? {}
    expect(name).toBeDefined()
    expect(ai?.['llm']?.properties).toEqual(fields)
    expect(ai?.['llm']?.['x-kubernetes-validations']).toEqual(provider?.['x-kubernetes-validations'])
  })
})

describe('readCrd', () => {
  const crd = (schema: string) =>
    `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {group: g, names: {kind: K}, scope: Cluster, versions: [{name: v1, schema: {openAPIV3Schema: ${schema}}}]}}`

  it('refuses a keyword that it would not follow', () => {
    expect(() => readCrd(crd('{type: object, oneOf: []}'))).toThrow('oneOf')
  })

  it('refuses a rule that does not compile', () => {
    expect(() => readCrd(crd('{type: object, x-kubernetes-validations: [{rule: "has(self.", message: m}]}'))).toThrow(
      "validation rule 'has(self.'",
    )
  })
})
