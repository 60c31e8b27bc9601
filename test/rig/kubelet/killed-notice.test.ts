import { KilledNotice } from './killed-notice.ts'

const read = (...parts: string[]): [text: string, killed: boolean] => {
  const notice = new KilledNotice()
  const passed = parts.map((part) => notice.pass(part)).join('')
  const { killed, rest } = notice.end()
  return [passed + rest, killed]
}

describe('KilledNotice', () => {
  const text = 'unshare: sigprocmask unblock failed: Invalid argument\n'

  it.each(Array.from({ length: text.length }, (_, cut) => cut))('finds the notice cut at byte %i', (cut) => {
    expect(read('own\n', text.slice(0, cut), text.slice(cut))).toEqual(['own\n', true])
  })

  it.each([[['unshare: other\n']], [['uns', 'hare']], [['a', 'b\nun', 'til\n']], [[text, 'more\n']]])(
    'passes %j on whole',
    (parts) => expect(read(...parts)).toEqual([parts.join(''), false]),
  )
})
