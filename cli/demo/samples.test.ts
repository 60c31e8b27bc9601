import { execFileSync } from 'node:child_process'
import { curlOf, SAMPLES, type Sample } from './samples.ts'

/** The words that a shell makes of a command. */
function wordsOf(command: string): string[] {
  const text = execFileSync('sh', ['-c', `set -- ${command}; for word; do printf '%s\\0' "$word"; done`], {
    encoding: 'utf8',
  })
  return text.split('\0').slice(0, -1)
}

describe('curlOf', () => {
  it.each(SAMPLES.map((sample) => [sample.title, sample] as const))('%s', (_, sample) => {
    const words = wordsOf(curlOf(sample, 8080))
    expect(words.slice(0, 3)).toEqual(['curl', '-sN', `localhost:8080${sample.path}`])
    expect(JSON.parse(words[words.indexOf('-d') + 1] ?? '')).toEqual(sample.body)
    for (const [name, value] of Object.entries(sample.headers)) expect(words).toContain(`${name}: ${value}`)
  })

  it('keeps quotes', () => {
    const sample: Sample = {
      title: '',
      path: '/',
      headers: { a: "it's" },
      body: { text: "don't $(do) `this`" },
      status: 200,
    }
    expect(wordsOf(curlOf(sample, 1)).slice(-3)).toEqual(["a: it's", '-d', '{"text":"don\'t $(do) `this`"}'])
  })
})
