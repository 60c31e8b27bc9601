import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { GATEWAY_CLASSES } from '../../contract/names.ts'
import type { TelemetryResource } from '../../contract/snapshot.ts'
import type { Problem } from '../../controller/api/problem.ts'
import { compile } from '../../controller/compile/compile.ts'
import { readFiles } from '../../controller/files/read.ts'
import { type ExpectedSpan, TAB_SPANS } from './expected-spans.ts'

const folder = import.meta.dirname

function manifestsOf(paths: readonly string[]) {
  const sources = paths.map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8') }))
  return compile(readFiles(sources, { namespace: 'default' }), { implicitClasses: GATEWAY_CLASSES })
}

function filesOf(name: string): string[] {
  return readdirSync(join(folder, name)).map((file) => join(name, file))
}

function telemetryOf(compilation: ReturnType<typeof compile>): TelemetryResource['config'] | undefined {
  const resources = compilation.snapshots[0]?.resources ?? []
  return resources.find((resource) => resource.kind === 'telemetry')?.config
}

/** Problems that a reader of the document would have to act on. */
function serious(problems: readonly Problem[]): Problem[] {
  return problems.filter((one) => one.severity !== 'info')
}

const tabs = filesOf('tabs')
  .map((path) => basename(path, '.yaml'))
  .filter((name) => name !== 'base')

describe('the documents', () => {
  it('have all eight tabs, and an expectation for each', () => {
    expect(tabs.sort()).toEqual(Object.keys(TAB_SPANS).sort())
    expect(tabs).toHaveLength(8)
  })

  it.each(['gemini', 'jaeger-mcp'])('%s compiles', (name) => {
    const compilation = manifestsOf(filesOf(name))
    const problems = serious(compilation.problems)
    // MCP traffic has an issue of its own; whatever else is wrong is wrong.
    expect(problems.filter((one) => one.kind !== 'NotBuilt')).toEqual([])
    expect(compilation.snapshots).toHaveLength(1)
    expect(telemetryOf(compilation)?.tracing?.exporters[0]?.fields.add.map((field) => field.name)).toEqual([
      'gen_ai.operation.name',
      'gen_ai.system',
      'gen_ai.request.model',
      'gen_ai.response.model',
      'gen_ai.usage.completion_tokens',
      'gen_ai.usage.prompt_tokens',
    ])
  })

  it.each(tabs)('tab %s compiles without a problem', (tab) => {
    const compilation = manifestsOf(['tabs/base.yaml', `tabs/${tab}.yaml`])
    expect(serious(compilation.problems)).toEqual([])
    expect(telemetryOf(compilation)?.tracing).toMatchObject({ randomSampling: true, profile: 'documented' })
  })

  it('tab Langfuse sends its header as it is written, by HTTP', () => {
    const langfuse = telemetryOf(manifestsOf(['tabs/base.yaml', 'tabs/jaeger-langfuse.yaml']))?.tracing?.exporters[0]
    expect(langfuse).toMatchObject({
      otlpEndpoint: 'https://us.cloud.langfuse.com/api/public/otel',
      otlpProtocol: 'http',
      headers: [{ name: 'Authorization', value: 'Basic <base64-encoded-credentials>' }],
    })
  })
})

describe('the expectations', () => {
  const all = Object.entries(TAB_SPANS).flatMap(([tab, { whole, streamed }]): [string, ExpectedSpan][] => [
    [tab, whole],
    [`${tab}, streamed`, streamed],
  ])

  it.each(all)('of %s name no key twice', (_name, span) => {
    const keys = span.attributes.map((one) => one.key)
    expect(new Set(keys).size).toBe(keys.length)
  })
})
