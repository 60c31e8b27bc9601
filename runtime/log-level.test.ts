import { parseLogLevel } from './log-level.ts'

describe('parseLogLevel', () => {
  it.each([
    ['info', { level: 'info', accessLog: true }],
    ['off', { level: 'silent', accessLog: true }],
    ['info,request=off', { level: 'info', accessLog: false }],
    ['request=off', { level: 'info', accessLog: false }],
    ['Debug, request=info', { level: 'debug', accessLog: true }],
    ['warn,hyper=trace', { level: 'warn', accessLog: true }],
  ])('reads %s', (text, expected) => expect(parseLogLevel(text)).toEqual(expected))

  it.each(['loud', 'info,request=maybe', ''])('says what is wrong with %p', (text) => {
    expect(parseLogLevel(text)).toContain('is no log level')
  })
})
