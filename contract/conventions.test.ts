import { writesOtherConvention } from './conventions.ts'

describe('writesOtherConvention', () => {
  it.each([
    'gen_ai.system',
    'gen_ai.prompt',
    'gen_ai.prompt.0.content',
    'gen_ai.completion',
    'gen_ai.completion.1',
    'gen_ai.usage.prompt_tokens',
    'gen_ai.usage.completion_tokens',
    'openinference.span.kind',
    'llm.model_name',
    'llm.input_messages',
    'llm.input_messages.12.message.role',
    'llm.token_count.prompt',
    'llm.token_count.prompt_details.cache_read',
    'langfuse.observation.usage_details',
  ])('is true of %s', (name) => {
    expect(writesOtherConvention(name)).toBe(true)
  })

  it.each([
    'gen_ai.operation.name',
    'gen_ai.request.model',
    'gen_ai.input.messages',
    'gen_ai.conversation.id',
    'gen_ai.system_instructions',
    'gen_ai.prompt.name',
    'gen_ai.prompts',
    'llm.token_counts',
    'llm.token_count',
    'llm.system',
    'langfuse.session.id',
    'span.name',
    '',
  ])('is false of %j', (name) => {
    expect(writesOtherConvention(name)).toBe(false)
  })
})
