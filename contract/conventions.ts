/**
 * Attribute names by which a user's `fields.add` shows that it writes a model call in the shape of another convention
 * than the GenAI ones that weir writes by itself: the GenAI conventions before v1.27 and OpenLLMetry (`gen_ai.system`,
 * `gen_ai.prompt` …), OpenInference (`llm.token_count.*` …) and Langfuse. Where one of them is written, an exporter
 * leaves weir's own `gen_ai.*` attributes out, so that no backend counts a call twice.
 */
interface ConventionName {
  readonly name: string
  /**
   * What else belongs to it: `nothing`; `elements`, a list that is written out flat (`NAME.0.role`, but not
   * `gen_ai.prompt.name`, which is a GenAI name of its own); `everything` below `NAME.`, and not NAME itself.
   */
  readonly covers: 'nothing' | 'elements' | 'everything'
}

const OTHER_CONVENTIONS: readonly ConventionName[] = [
  { name: 'gen_ai.system', covers: 'nothing' },
  { name: 'gen_ai.prompt', covers: 'elements' },
  { name: 'gen_ai.completion', covers: 'elements' },
  { name: 'gen_ai.usage.prompt_tokens', covers: 'nothing' },
  { name: 'gen_ai.usage.completion_tokens', covers: 'nothing' },
  { name: 'openinference.span.kind', covers: 'nothing' },
  { name: 'llm.model_name', covers: 'nothing' },
  { name: 'llm.input_messages', covers: 'elements' },
  { name: 'llm.token_count', covers: 'everything' },
  { name: 'langfuse.observation', covers: 'everything' },
]

/** Whether an attribute of this name is another convention's shape of a model call. */
export function writesOtherConvention(name: string): boolean {
  return OTHER_CONVENTIONS.some((entry) => {
    if (entry.covers === 'everything') return name.startsWith(`${entry.name}.`)
    if (name === entry.name) return true
    return (
      entry.covers === 'elements' && name.startsWith(entry.name) && /^\.\d+(\.|$)/.test(name.slice(entry.name.length))
    )
  })
}
