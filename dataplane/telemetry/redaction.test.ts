import { redactHeaders, redactTarget } from './redaction.ts'

describe('redactHeaders', () => {
  it('hides credentials, whatever the case of the name, and leaves the given array alone', () => {
    const raw = ['Authorization', 'Bearer s3cret', 'X-API-Key', 's3cret', 'cookie', 'a=s3cret', 'Accept', '*/*']
    const before = [...raw]
    const redacted = redactHeaders([...raw, 'Set-Cookie', 's3cret', 'x-goog-api-key', 's3cret', 'api-key', 's3cret'])
    expect(redacted.join()).not.toContain('s3cret')
    expect(redacted.slice(0, 2)).toEqual(['Authorization', '<redacted>'])
    expect(redacted).toContain('*/*')
    expect(raw).toEqual(before)
  })

  it('copies nothing where there is nothing to hide', () => {
    const raw = ['Host', 'a', 'Accept', 'Authorization']
    expect(redactHeaders(raw)).toBe(raw)
  })
})

describe('redactTarget', () => {
  it.each([
    ['/v1/chat?key=AIza123', '/v1/chat?key=<redacted>'],
    ['/v1/chat?alt=sse&key=AIza123&x=1', '/v1/chat?alt=sse&key=<redacted>&x=1'],
    ['/a?api_key=1&API-KEY=2&apikey=3', '/a?api_key=<redacted>&API-KEY=<redacted>&apikey=<redacted>'],
    ['/a?access_token=1#x', '/a?access_token=<redacted>#x'],
    ['/a?X-Amz-Signature=1&X-Amz-Date=2', '/a?X-Amz-Signature=<redacted>&X-Amz-Date=2'],
    ['/a?monkey=1&keyboard=2&tokens=3', '/a?monkey=1&keyboard=2&tokens=3'],
    ['/key=1', '/key=1'],
    ['/a?key=', '/a?key=<redacted>'],
  ])('%s → %s', (target, expected) => {
    expect(redactTarget(target)).toBe(expected)
  })
})
