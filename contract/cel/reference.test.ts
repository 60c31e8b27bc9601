import { CEL_VARIABLES } from './environment.ts'
import { CEL_FUNCTIONS } from './functions.ts'
import { celReference } from './reference.ts'

describe('the reference page', () => {
  const page = celReference()

  it('names every variable and every function', () => {
    for (const { name } of CEL_VARIABLES) expect(page).toContain(`### \`${name}\``)
    for (const { name } of CEL_FUNCTIONS) expect(page).toContain(`${name}(`)
    expect(page).toContain('| `llm.requestModel`<br>`llm.request_model` | `string` | at the end |')
    expect(page).toContain('also `flatten_recursive`')
  })

  it('marks what is not built yet', () => {
    expect(page).toMatch(/`mcp\.tool\.name` \|.*not built yet: absent/)
    expect(page).not.toMatch(/`request\.path` \|.*not built yet/)
  })

  it('is made of whole tables', () => {
    for (const line of page.split('\n').filter((text) => text.startsWith('|'))) {
      const cells = line.replaceAll('\\|', '').split('|').length - 2
      expect([line, [2, 3, 4].includes(cells)]).toEqual([line, true])
    }
  })
})
