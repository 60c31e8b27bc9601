import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { celReference } from '../contract/cel/reference.ts'
import { configJsonSchema, configReference } from '../contract/config-reference.ts'
import { chartReference } from './chart-reference.ts'
import { cliReference } from './help.ts'

/**
 * `make generate` writes the docs that are made from code; with `--check` (`make check`) it writes nothing and exits 1
 * when one of them is not what the code says.
 */
const GENERATED: readonly { readonly path: string; readonly text: () => string }[] = [
  { path: 'docs/cel.md', text: celReference },
  { path: 'docs/config.md', text: configReference },
  { path: 'docs/config.schema.json', text: () => `${JSON.stringify(configJsonSchema(), undefined, 2)}\n` },
  { path: 'docs/cli.md', text: cliReference },
  { path: 'charts/weir/README.md', text: () => chartReference('charts/weir') },
  { path: 'charts/weir-crds/README.md', text: () => chartReference('charts/weir-crds') },
]

function main(check: boolean): number {
  let stale = 0
  for (const { path, text } of GENERATED) {
    const file = resolve(import.meta.dirname, '..', path)
    if (!check) {
      writeFileSync(file, text())
    } else if (textOf(file) !== text()) {
      stale++
      process.stderr.write(`${path} is not what the code says: run 'make generate'\n`)
    }
  }
  return stale === 0 ? 0 : 1
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

process.exitCode = main(process.argv.includes('--check'))
