import { buildParts } from './build-part.ts'
import { partFolder } from './part-folder.ts'
import { BASE_PARTS, PARTS, type PartName } from './part-table.ts'

/** `node test/rig/build.ts [PART…]`: builds what is missing (all that every suite may use) and prints the folders. */
const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(PARTS, name))
if (unknown.length > 0) {
  process.stderr.write(`there is no part '${unknown[0]}'; parts: ${Object.keys(PARTS).join(', ')}\n`)
  process.exitCode = 2
} else {
  const names = asked.length > 0 ? (asked as PartName[]) : BASE_PARTS
  try {
    await buildParts(names, (line) => void process.stderr.write(`${line}\n`))
    for (const name of names) process.stdout.write(`${name}\t${partFolder(name)}\n`)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
}
