import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { buildParts } from './build-part.ts'
import { BASE_PARTS, type PartName } from './part-table.ts'

/**
 * `node test/rig/e2e.ts [TEXT…]` (`make e2e`): builds what is missing of the rig, then runs the suites of test/e2e whose
 * path has one of the texts, one after the other, each in namespaces of its own, and prints how long each took. The last
 * line has jest's form, over all suites.
 */
const ROOT = resolve(import.meta.dirname, '../..')
const SUITES = join(ROOT, 'test/e2e')

/** Parts beyond those for all, by suite. */
const MORE_PARTS: { readonly [suite: string]: readonly PartName[] } = {}

/** A suite that takes longer hangs. */
const SUITE_MINUTES = 20

interface SuiteResult {
  readonly suite: string
  readonly passed: number
  readonly failed: number
  readonly seconds: number
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

function suitesWith(texts: readonly string[]): string[] {
  return readdirSync(SUITES, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts') && (texts.length === 0 || texts.some((text) => path.includes(text))))
    .map((path) => path.slice(0, -'.test.ts'.length))
    .sort()
}

/** Runs one suite; jest prints as it always does, and its counts come by a file. */
async function runSuite(suite: string, folder: string): Promise<SuiteResult> {
  const counts = join(folder, `${suite.replaceAll('/', '-')}.json`)
  const startedMs = performance.now()
  const jest = [process.execPath, join(ROOT, 'node_modules/jest/bin/jest.js'), '--config', 'jest.e2e.config.js']
  const file = relative(ROOT, join(SUITES, `${suite}.test.ts`))
  const code = await ended([
    join(import.meta.dirname, 'network/enter.ts'),
    ...jest,
    ...['--json', '--outputFile', counts, '--runTestsByPath', file],
  ])
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  const { passed, failed } = countsIn(counts)
  // A suite that dies before its first test fails no test, but it failed all the same.
  return { suite, passed, failed: code !== 0 && failed === 0 ? 1 : failed, seconds }
}

function ended(args: readonly string[]): Promise<number | null> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', timeout: SUITE_MINUTES * 60_000 })
    child.once('error', fail)
    child.once('exit', (code) => done(code))
  })
}

function countsIn(file: string): { readonly passed: number; readonly failed: number } {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(file, 'utf8')) as {
      numPassedTests: number
      numFailedTests: number
    }
    return { passed: numPassedTests, failed: numFailedTests }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { passed: 0, failed: 0 }
    throw error
  }
}

async function main(texts: readonly string[]): Promise<number> {
  const suites = suitesWith(texts)
  if (suites.length === 0) {
    say(`no suite of test/e2e has ${texts.join(' or ')} in its name`)
    return 2
  }
  await buildParts([...new Set([...BASE_PARTS, ...suites.flatMap((suite) => MORE_PARTS[suite] ?? [])])], say)
  const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'))
  const results: SuiteResult[] = []
  try {
    for (const suite of suites) results.push(await runSuite(suite, folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const { suite, passed, failed, seconds } of results) {
    say(`${failed === 0 ? 'passed' : 'FAILED'}  ${suite}: ${passed} passed, ${failed} failed, ${seconds} s`)
  }
  const sum = (key: 'passed' | 'failed'): number => results.reduce((total, result) => total + result[key], 0)
  say(`Tests: ${sum('failed')} failed, ${sum('passed')} passed, ${sum('failed') + sum('passed')} total`)
  return sum('failed') === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
