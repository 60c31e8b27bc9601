import fc from 'fast-check'
import { formatFieldPath, parseFieldPath } from './field-path.ts'

describe('field paths', () => {
  it('are written as Kubernetes writes them, with quotes where a name has dots', () => {
    expect(formatFieldPath(['spec', 'rules', 0, 'backendRefs', 1, 'name'])).toBe('spec.rules[0].backendRefs[1].name')
    expect(formatFieldPath(['data', 'config.yaml', 'config', 'x-team'])).toBe('data["config.yaml"].config.x-team')
    expect(formatFieldPath([])).toBe('')
  })

  it('are read back as they were', () => {
    const step = fc.oneof(fc.nat(), fc.string({ unit: 'grapheme' }))
    fc.assert(fc.property(fc.array(step), (path) => expect(parseFieldPath(formatFieldPath(path))).toEqual(path)))
  })

  it('are read in other spellings too', () => {
    expect(parseFieldPath("metadata.labels['a/b']")).toEqual(['metadata', 'labels', 'a/b'])
    expect(parseFieldPath('headers.x-team name')).toEqual(['headers', 'x-team name'])
    expect(parseFieldPath('a[not closed')).toEqual(['a'])
  })
})
