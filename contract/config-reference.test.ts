import { z } from 'zod'
import { stateOf, valueSchema } from './config/key.ts'
import { configJsonSchema, configReference } from './config-reference.ts'
import { configSchema } from './config-schema.ts'
import { telemetryConfig } from './telemetry-config.ts'

/** Every key of the schema by its path; `[]` for entries of lists. */
function keysOf(schema: z.ZodObject, path = ''): [string, z.ZodType][] {
  return Object.entries(schema.shape).flatMap(([name, child]) => {
    const at = path === '' ? name : `${path}.${name}`
    const value = valueSchema(child as z.ZodType)
    const below = value instanceof z.ZodArray ? valueSchema(value.element as z.ZodType) : value
    const suffix = value instanceof z.ZodArray ? '[]' : ''
    return [[at, child as z.ZodType], ...(below instanceof z.ZodObject ? keysOf(below, `${at}${suffix}`) : [])]
  })
}

const keys = new Map(keysOf(configSchema))

describe('the schema of config.yaml', () => {
  it('describes every key and says what becomes of it', () => {
    const bare = [...keys].filter(([, schema]) => {
      const meta = schema.meta()
      return !/\w{3}.*\.$/.test(meta?.description ?? '') || meta?.['state'] === undefined
    })
    expect(bare.map(([path]) => path)).toEqual([])
    expect(keys.size).toBeGreaterThan(150)
  })

  it('refuses unknown keys in every map that has keys of its own', () => {
    const open = [...keys].filter(([, schema]) => {
      const value = valueSchema(schema)
      return value instanceof z.ZodObject && value.safeParse({ surely: 'unknown' }).success
    })
    expect(open.map(([path]) => path)).toEqual([])
  })

  it('documents the defaults that the normalised form fills in', () => {
    const { tracing } = telemetryConfig.parse({ tracing: { exporters: [{ name: 'x', otlpEndpoint: 'c:4317' }] } })
    const exporter = tracing?.exporters[0]
    const documented = (prefix: string, names: readonly string[]) =>
      Object.fromEntries(names.map((name) => [name, keys.get(`${prefix}.${name}`)?.meta()?.['default']]))
    for (const part of ['queue', 'limits'] as const) {
      const filled = exporter?.[part] ?? {}
      expect(documented(`config.tracing.exporters[].${part}`, Object.keys(filled))).toEqual(filled)
    }
    expect(documented('config.tracing', ['otlpProtocol', 'randomSampling', 'clientSampling', 'profile'])).toEqual({
      otlpProtocol: exporter?.otlpProtocol,
      randomSampling: tracing?.randomSampling,
      clientSampling: tracing?.clientSampling,
      profile: tracing?.profile,
    })
  })

  it('has the keys of this version built, and those of later ones planned', () => {
    const state = (path: string) => stateOf(keys.get(`config.${path}`) as z.ZodType)
    for (const path of ['tracing.otlpEndpoint', 'tracing.exporters[].attempts', 'logging.filter', 'metrics.remove']) {
      expect([path, state(path)]).toEqual([path, 'built'])
    }
    for (const path of ['tracing.keep', 'tracing.exporters[].preset', 'logging.exporters', 'metrics.labels']) {
      expect([path, state(path)]).toEqual([path, 'notBuilt'])
    }
    expect(state('workerThreads')).toBe('noEffect')
  })
})

describe('configReference', () => {
  const page = configReference()

  it('names every key', () => {
    const own = [...keys.keys()].map((path) => path.split(/[.[]/).at(-1)?.replace(']', '') ?? '')
    expect(own.filter((name) => name !== '' && !page.includes(name))).toEqual([])
  })

  it('says once what is the same twice', () => {
    expect(page.match(/maxCoalescingDelay/g)).toHaveLength(1)
    expect(page).toContain('Keys as in `config.tracing.exporters[].queue`.')
  })

  it('has tables whose rows all have the cells of their head', () => {
    let cells = 0
    for (const line of page.split('\n')) {
      const count = line.replaceAll('\\|', '').split('|').length
      if (!line.startsWith('|')) cells = 0
      else if (cells === 0) cells = count
      else expect([line, count]).toEqual([line, cells])
    }
  })
})

describe('configJsonSchema', () => {
  it('is plain JSON Schema with descriptions, defaults and closed maps', () => {
    const schema = JSON.parse(JSON.stringify(configJsonSchema()))
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema')
    expect(schema.additionalProperties).toBe(false)
    const { tracing } = schema.properties.config.properties
    expect(tracing.properties.otlpProtocol).toMatchObject({ enum: ['grpc', 'http', 'http/json'], default: 'grpc' })
    expect(tracing.properties.keep.description).toMatch(/^\(Not built yet: no effect\.\) /)
    expect(tracing.properties.exporters.items.required).toEqual(['name', 'otlpEndpoint'])
    expect(JSON.stringify(schema)).not.toContain('"state"')
  })
})
