import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { parseAllDocuments, stringify } from 'yaml'
import { decodeSnapshot } from '../contract/decode.ts'
import { GATEWAY_CLASSES } from '../contract/names.ts'
import type { Inventory } from '../controller/api/inventory.ts'
import type { Compilation } from '../controller/api/verdict.ts'
import { compile } from '../controller/compile/compile.ts'
import { printCompilation } from '../controller/compile/print.ts'
import { readFiles } from '../controller/files/read.ts'

/**
 * What the compiler makes of whole folders of manifests: `golden/NAME.in.yaml` goes in, `golden/NAME.out.yaml` must come
 * out. `make golden` writes the outputs anew; read the difference as you would read code.
 */
const FOLDER = join(import.meta.dirname, 'golden')
const IN = '.in.yaml'

const cases = readdirSync(FOLDER)
  .filter((file) => file.endsWith(IN))
  .map((file) => file.slice(0, -IN.length))

function inventoryOf(text: string): Inventory {
  return readFiles([{ path: 'in.yaml', text }], { namespace: 'default' })
}

function inputOf(name: string): string {
  return readFileSync(join(FOLDER, `${name}${IN}`), 'utf8')
}

function compiled(inventory: Inventory): Compilation {
  return compile(inventory, { implicitClasses: GATEWAY_CLASSES })
}

/** What the data plane would take from the wire must be what the controller said. */
function expectHeard({ snapshots }: Compilation): void {
  for (const snapshot of snapshots) {
    expect(decodeSnapshot(JSON.parse(JSON.stringify(snapshot)))).toEqual({ ok: true, snapshot })
  }
}

describe('goldens', () => {
  it.each(cases)('%s', (name) => {
    const compilation = compiled(inventoryOf(inputOf(name)))
    const printed = printCompilation(compilation)
    const path = join(FOLDER, `${name}.out.yaml`)
    if (process.env['GOLDEN'] === 'write') writeFileSync(path, printed)
    expect(printed).toBe(readFileSync(path, 'utf8'))
    expectHeard(compilation)
  })

  it('has no output without an input', () => {
    const outputs = readdirSync(FOLDER).filter((file) => file.endsWith('.out.yaml'))
    expect(outputs.filter((file) => !existsSync(join(FOLDER, file.replace('.out.yaml', IN))))).toEqual([])
  })

  it('shows nothing of a secret', () => {
    const outputs = cases.map((name) => printCompilation(compiled(inventoryOf(inputOf(name))))).join('\n')
    expect(outputs).not.toMatch(/golden-token|golden-inline-token|never-shown|PRIVATE KEY/)
  })

  it('gives the same snapshots whatever the order of the objects', () => {
    for (const name of cases) {
      const inventory = inventoryOf(inputOf(name))
      const turned = { ...inventory, objects: inventory.objects.toReversed() }
      expect(compiled(turned).snapshots).toEqual(compiled(inventory).snapshots)
    }
  })

  it('stays whole when any part of an input is gone or something else', () => {
    const replacements = [undefined, '', 'x', 0, -1, true, [], {}, null]
    fc.assert(
      fc.property(fc.constantFrom(...cases), fc.nat(), fc.constantFrom(...replacements), (name, place, replacement) => {
        const documents = parseAllDocuments(inputOf(name)).map((document) => document.toJS() as unknown)
        const changed = withPart(documents, place, replacement)
        expectHeard(compiled(inventoryOf(changed.map((one) => stringify(one)).join('---\n'))))
      }),
      { numRuns: 300 },
    )
  })
})

/** The value with one of its parts, counted in the order of its JSON, replaced, or gone for undefined. */
function withPart(documents: readonly unknown[], place: number, replacement: unknown): readonly unknown[] {
  let parts = 0
  JSON.stringify(documents, (_key, inner: unknown) => {
    parts += 1
    return inner
  })
  // The list of documents itself, which comes first, stays.
  const chosen = 1 + (place % (parts - 1))
  let seen = -1
  const text = JSON.stringify(documents, (_key, inner: unknown) => {
    seen += 1
    return seen === chosen ? replacement : inner
  })
  return (JSON.parse(text) as unknown[]).filter((one) => one !== null)
}
