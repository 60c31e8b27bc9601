import { headerError } from './exporter-headers.ts'

describe('headerError', () => {
  it.each<['grpc' | 'http', string, string]>([
    ['http', 'Authorization', 'Basic dXNlcjpwYXNz'],
    ['http', 'x-name', 'gr\u00fc\u00dfe'],
    ['grpc', 'X-Team', 'blue'],
    ['grpc', 'trace-bin', 'aGVsbG8='],
  ])('%s carries %s: %s', (otlpProtocol, name, value) => {
    expect(headerError({ otlpProtocol, headers: [{ name, value }] })).toBeUndefined()
  })

  it.each<['grpc' | 'http', string, string]>([
    ['http', 'x name', 'a'],
    ['http', '', 'a'],
    ['http', 'x-name', 'hunter2\r\nx: y'],
    ['http', 'x-name', 'hunter2\u20ac'],
    ['grpc', 'grpc-timeout', '1S'],
    ['grpc', ':path', '/'],
    ['grpc', 'x-name', 'hunter2\u00fc'],
  ])('%s cannot carry %p: %p', (otlpProtocol, name, value) => {
    const error = headerError({ otlpProtocol, headers: [{ name, value }] })
    expect(error).toContain(`header '${name}'`)
    expect(error).not.toContain('hunter2')
  })
})
