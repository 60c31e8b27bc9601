import {
  type AiProvider,
  type Broken,
  type CredentialResource,
  DEFAULT_MAX_REQUEST_BYTES,
} from '../../../contract/snapshot.ts'
import type { AiBackendSpec, Backend, LlmProvider } from '../../api/backend.ts'
import type { Problem } from '../../api/problem.ts'
import { notBuiltFields } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { findProvider, type ProviderFindings } from './ai-provider.ts'
import type { PolicyFinder } from './backend-tls-policies.ts'
import type { BodyFindings } from './backends.ts'

interface Named {
  readonly name: string
  readonly block: LlmProvider
  readonly path: string
}

/** Reads the `ai` block of a Backend. Providers that weir does not have are left out; without any it is broken. */
export function findAiBody(
  lookup: Lookup,
  policies: PolicyFinder,
  backend: Backend,
  spec: AiBackendSpec,
): BodyFindings {
  const target = { kind: 'Backend', namespace: backend.metadata.namespace ?? '', name: backend.metadata.name } as const
  const groups = groupsOf(backend, spec).map((group) =>
    group.map(({ name, block, path }) =>
      findProvider(lookup, backend, block, path, name, policies.tlsOf(target, name)),
    ),
  )
  const all = groups.flat()
  const problems = [
    ...all.flatMap((one) => one.problems),
    ...notBuiltFields(backend, 'spec.ai', spec, ['routes', 'modelAliases', 'priceCatalogs']),
  ]
  return {
    body: {
      type: 'ai',
      groups: groups
        .map((group) => ({ providers: providersOf(group) }))
        .filter(({ providers }) => providers.length > 0),
      includeUsage: spec.includeUsage ?? 'Auto',
      maxRequestBytes: spec.maxRequestBytes ?? DEFAULT_MAX_REQUEST_BYTES,
    },
    broken: providersOf(all).length > 0 ? undefined : noProvider(problems),
    credentials: credentialsOf(all),
    problems,
  }
}

/** One provider stands alone under the Backend's name; in groups each has its own. */
function groupsOf(backend: Backend, { llm, priorityGroups = [] }: AiBackendSpec): readonly (readonly Named[])[] {
  if (llm !== undefined) return [[{ name: backend.metadata.name, block: llm, path: 'spec.ai.llm' }]]
  return priorityGroups.map(({ providers }, group) =>
    providers.map((block, index) => ({
      name: block.name,
      block,
      path: `spec.ai.priorityGroups[${group}].providers[${index}]`,
    })),
  )
}

function providersOf(findings: readonly ProviderFindings[]): AiProvider[] {
  return findings.flatMap(({ provider }) => provider ?? [])
}

/** Each credential once: providers may share a Secret. */
function credentialsOf(findings: readonly ProviderFindings[]): readonly CredentialResource[] {
  const byKey = new Map(
    findings.flatMap(({ credential }) => (credential === undefined ? [] : [[credential.key, credential]])),
  )
  return [...byKey.values()]
}

function noProvider(problems: readonly Problem[]): Broken {
  return { status: 500, message: problems[0]?.message ?? 'the Backend has no provider' }
}
