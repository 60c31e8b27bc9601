import { imageReference } from './image.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('imageReference', () => {
  it.each([
    ['the own image', 'ghcr.io/weir/weir:1', undefined, 'ghcr.io/weir/weir:1'],
    ['a mirror', 'ghcr.io/weir/weir:1', { registry: 'localhost:5000/mirror' }, 'localhost:5000/mirror/weir/weir:1'],
    ['a mirror of a pinned image', `ghcr.io/weir/weir:1@${DIGEST}`, { registry: 'm' }, `m/weir/weir:1@${DIGEST}`],
    ['another repository', 'ghcr.io/weir/weir:1', { repository: 'platform/weir' }, 'ghcr.io/platform/weir:1'],
    ['another tag', `ghcr.io/weir/weir:1@${DIGEST}`, { tag: '2' }, 'ghcr.io/weir/weir:2'],
    ['a digest before a tag', 'ghcr.io/weir/weir:1', { tag: '2', digest: DIGEST }, `ghcr.io/weir/weir@${DIGEST}`],
    ['a registry with a port', 'localhost:5000/weir', { tag: '2' }, 'localhost:5000/weir:2'],
    ['no registry', 'weir/weir:1', { tag: '2' }, 'weir/weir:2'],
    ['a bare name', 'weir', { registry: 'm.example.com' }, 'm.example.com/weir'],
    ['localhost', 'localhost/weir:1', { registry: 'm.example.com' }, 'm.example.com/weir:1'],
  ] as const)('takes %s', (_, own, parameters, reference) => {
    expect(imageReference(own, parameters)).toBe(reference)
  })
})
