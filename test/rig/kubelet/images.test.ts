import { findImage } from './images.ts'

describe('findImage', () => {
  const plain = { entrypoint: ['plain'] }
  const tagged = { entrypoint: ['tagged'] }
  const images = { 'example.org:5000/team/app': plain, 'example.org:5000/team/app:2': tagged }

  it.each([
    ['example.org:5000/team/app', plain],
    ['example.org:5000/team/app:1', plain],
    ['example.org:5000/team/app:2', tagged],
    ['example.org:5000/team/app:1@sha256:00ff', plain],
    ['example.org:5000/team/other', undefined],
    ['constructor', undefined],
  ])('%s', (reference, expected) => expect(findImage(images, reference)).toBe(expected))
})
