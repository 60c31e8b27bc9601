import fc from 'fast-check'
import { labelValue, objectName } from './object-names.ts'

/** RFC 1123 subdomains: what Kubernetes lets a Gateway be called. */
const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
const gatewayName = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) =>
  labels
    .join('.')
    .slice(0, 253)
    .replace(/[-.]+$/, ''),
)

describe('names of objects', () => {
  it("are the Gateway's own wherever a Service may be called so", () => {
    const longest = `a${'-b'.repeat(31)}`
    for (const name of ['edge', 'a', 'agentgateway-tracing', longest]) expect(objectName(name)).toBe(name)
  })

  it('are what a Service and a label may be called, whatever the Gateway is called', () => {
    fc.assert(
      fc.property(gatewayName, (name) => {
        expect(objectName(name)).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
        expect(labelValue(name)).toMatch(/^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/)
      }),
    )
  })

  it('are different for different Gateways', () => {
    const long = 'x'.repeat(100)
    const names = ['a.b', 'a-b', '1a', 'gateway-1a', `${long}1`, `${long}2`, `${long}.1`]
    expect(new Set(names.map(objectName)).size).toBe(names.length)
    expect(new Set(names.map(labelValue)).size).toBe(names.length)
  })
})
