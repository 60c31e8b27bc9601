import { isSeq, type ParsedNode } from 'yaml'
import type { KubeObject } from '../api/inventory.ts'
import type { ObjectRef, Position, Problem } from '../api/problem.ts'
import { applySchema } from './apply-schema.ts'
import { classifyKind } from './classify.ts'
import type { KnownKind } from './crd.ts'
import { fieldOffset, findField } from './field-node.ts'
import { type FieldPath, formatFieldPath } from './field-path.ts'
import { apiVersionOf } from './kinds.ts'
import { nodeToValue } from './node-value.ts'
import { type FileInventory, type Origin, originKey, positionAt } from './origins.ts'
import { MAX_FILE_BYTES, type Source } from './source.ts'
import { storedForm } from './stored-form.ts'
import { parseYaml, type YamlDocument } from './yaml-document.ts'

export interface ReadOptions {
  /** For objects of namespaced kinds that name none. */
  readonly namespace: string
}

/**
 * Makes of manifests what an API server would make of them: defaults filled in, schema and rules checked. Pure: the same
 * texts give the same inventory. A document or object that is wrong is left out, with an error; an unknown field is
 * dropped from its object, with an error; everything else is read. Creation times follow the order of the documents.
 */
export function readFiles(sources: readonly Source[], options: ReadOptions): FileInventory {
  const reading = new Reading(options.namespace)
  for (const source of sources) reading.readSource(source)
  return reading.inventory()
}

const NOBODY: ObjectRef = { apiVersion: '', kind: '', namespace: '', name: '' }

/** The creation time of the first object; each one after it is a second younger. No file says when it was applied. */
const FIRST_CREATED_MS = Date.UTC(2000, 0, 1)

class Reading {
  readonly #namespace: string
  readonly #objects: KubeObject[] = []
  readonly #problems: Problem[] = []
  readonly #origins = new Map<string, Origin>()

  constructor(namespace: string) {
    this.#namespace = namespace
  }

  inventory(): FileInventory {
    return { objects: Object.freeze(this.#objects), problems: Object.freeze(this.#problems), origins: this.#origins }
  }

  readSource(source: Source): void {
    const tooLarge =
      Buffer.byteLength(source.text) > MAX_FILE_BYTES ? `is larger than ${MAX_FILE_BYTES} bytes` : undefined
    const unreadable = source.unreadable ?? tooLarge
    if (unreadable !== undefined) {
      this.#report(NOBODY, 'Syntax', `the file ${unreadable}`, { file: source.path, line: 1, column: 1 })
      return
    }
    for (const document of parseYaml(source.text, 'manifest')) this.#readDocument(source.path, document)
  }

  #readDocument(file: string, document: YamlDocument): void {
    const converted = document.errors.length > 0 ? { value: null, errors: document.errors } : nodeToValue(document.root)
    for (const error of converted.errors) {
      this.#report(NOBODY, 'Syntax', error.message, positionAt({ file, document }, error.offset), error.advice)
    }
    if (converted.errors.length > 0 || converted.value === null) return
    this.#readManifest(converted.value, { file, document, node: document.root }, undefined)
  }

  /** @param listed what a typed List (`SecretList`) says of its items */
  #readManifest(value: unknown, origin: Origin, listed: TypeMeta | undefined): void {
    if (!isObject(value)) {
      const position = this.#place(origin, [], 'value')
      this.#report(NOBODY, 'InvalidField', 'a manifest is a map with apiVersion, kind and metadata', position)
      return
    }
    const type = this.#typeOf(value, origin, listed)
    if (type === undefined) return
    const isList = type.kind === 'List' || (type.kind.endsWith('List') && Array.isArray(value['items']))
    if (isList) this.#readItems(value['items'] ?? [], type, origin)
    else this.#readObject({ ...value, ...type }, type, origin)
  }

  #readItems(items: unknown, { apiVersion, kind }: TypeMeta, origin: Origin): void {
    if (!Array.isArray(items)) {
      const at = { ...NOBODY, apiVersion, kind }
      this.#report(at, 'InvalidField', "'items' must be a list", this.#place(origin, ['items'], 'value'))
      return
    }
    const listed = kind === 'List' ? undefined : { apiVersion, kind: kind.slice(0, -'List'.length) }
    const list = findField(origin.node, ['items'], origin.document.tree).value
    for (const [index, item] of items.entries()) {
      const node = isSeq(list) ? ((list.items[index] ?? null) as ParsedNode | null) : list
      this.#readManifest(item, { ...origin, node }, listed)
    }
  }

  #typeOf(
    value: { readonly [name: string]: unknown },
    origin: Origin,
    listed: TypeMeta | undefined,
  ): TypeMeta | undefined {
    const { apiVersion = listed?.apiVersion, kind = listed?.kind } = value
    if (isText(apiVersion) && isText(kind)) return { apiVersion, kind }
    const field = isText(apiVersion) ? 'kind' : 'apiVersion'
    const said =
      value[field] === undefined ? `'${field}' is missing: every manifest has one` : `'${field}' must be a text`
    this.#report({ ...NOBODY, name: nameIn(value) }, 'InvalidField', said, this.#place(origin, [field], 'value'))
    return undefined
  }

  #readObject(value: { readonly [name: string]: unknown }, type: TypeMeta, origin: Origin): void {
    const known = classifyKind(type.apiVersion, type.kind)
    if (known.is === 'unrelated') return
    const at = { ...type, namespace: '', name: nameIn(value) }
    if (known.is === 'problem') {
      const { kind, severity, message, advice, field } = known
      this.#report(at, kind, message, this.#place(origin, [field], 'value'), advice, { severity, path: [field] })
      return
    }
    this.#readKnown(value, { ...at, namespace: this.#namespaceOf(value, known.kind) }, known.kind, origin)
  }

  #readKnown(value: { readonly [name: string]: unknown }, at: ObjectRef, known: KnownKind, origin: Origin): void {
    const metadata = isObject(value['metadata']) ? value['metadata'] : {}
    if (metadata['name'] === undefined && metadata['generateName'] !== undefined) {
      const path = ['metadata', 'generateName']
      const message = "'generateName' needs an API server: an object in a file has a name of its own"
      this.#report(at, 'InvalidField', message, this.#place(origin, path, 'key'), "write 'name'", { path })
      return
    }
    if (!known.namespaced && metadata['namespace'] !== undefined) {
      const path = ['metadata', 'namespace']
      const message = `a ${known.kind} has no namespace: ignored`
      this.#report(at, 'NoEffect', message, this.#place(origin, path, 'key'), undefined, { severity: 'info', path })
    }
    const { value: applied, findings } = applySchema(value, known.schema)
    for (const { kind, path, message, advice } of findings) {
      const position = this.#place(origin, path, kind === 'UnknownField' ? 'key' : 'value')
      this.#report(at, kind, message, position, advice, { path })
    }
    if (findings.every(({ kind }) => kind === 'UnknownField')) this.#keep(applied, at, known, origin)
  }

  #keep(applied: unknown, at: ObjectRef, known: KnownKind, origin: Origin): void {
    const key = originKey(at)
    const earlier = this.#origins.get(key)
    if (earlier !== undefined) {
      const { file, line } = this.#place(earlier, ['metadata', 'name'], 'value')
      const path = ['metadata', 'name']
      const name = at.namespace === '' ? at.name : `${at.namespace}/${at.name}`
      const message = `${at.kind} ${name} is defined twice: this one is left out, ${file}:${line} is used`
      this.#report(at, 'Duplicate', message, this.#place(origin, path, 'value'), undefined, { path })
      return
    }
    const createdMs = FIRST_CREATED_MS + this.#objects.length * 1000
    this.#origins.set(key, origin)
    this.#objects.push(storedForm(applied, { apiVersion: apiVersionOf(known), namespace: at.namespace, createdMs }))
  }

  #namespaceOf(value: { readonly [name: string]: unknown }, { namespaced }: KnownKind): string {
    if (!namespaced) return ''
    const metadata = value['metadata']
    const namespace = isObject(metadata) ? metadata['namespace'] : undefined
    return isText(namespace) ? namespace : this.#namespace
  }

  #place(origin: Origin, path: FieldPath, prefer: 'key' | 'value'): Position {
    const field = findField(origin.node, path, origin.document.tree)
    return positionAt(origin, fieldOffset(field, prefer, field.found === path.length))
  }

  #report(
    at: ObjectRef,
    kind: Problem['kind'],
    message: string,
    position: Position,
    advice?: string,
    { severity = 'error', path = [] }: { severity?: Problem['severity']; path?: FieldPath } = {},
  ): void {
    this.#problems.push({
      kind,
      severity,
      at,
      path: formatFieldPath(path),
      position,
      message,
      ...(advice === undefined ? {} : { advice }),
    })
  }
}

interface TypeMeta {
  readonly apiVersion: string
  readonly kind: string
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function nameIn(value: { readonly [name: string]: unknown }): string {
  const name = isObject(value['metadata']) ? value['metadata']['name'] : undefined
  return typeof name === 'string' ? name : ''
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
