import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GATEWAY_ERRORS } from '../dataplane/fault.ts'

const docs = (name: string): string => readFileSync(join(import.meta.dirname, '../docs', name), 'utf8')

describe('docs/errors.md', () => {
  it('lists every code of a GatewayError in the row of its status, and no other', () => {
    const rows = docs('errors.md').matchAll(/^\| (\d{3}) \| (.*) \|$/gm)
    const written = [...rows].flatMap((row) =>
      [...(row[2] as string).matchAll(/`([a-z_]+)`/g)].map((code) => `${row[1]} ${code[1]}`),
    )
    const known = Object.entries(GATEWAY_ERRORS).map(([code, { status }]) => `${status} ${code}`)
    expect(written.sort()).toEqual(known.sort())
  })
})
