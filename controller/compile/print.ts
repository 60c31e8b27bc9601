import { Document, isCollection, isPair, isScalar, visit } from 'yaml'
import { digestOf } from '../../contract/digest.ts'
import type { Resource, Snapshot } from '../../contract/snapshot.ts'
import type { Problem } from '../api/problem.ts'
import type { Compilation } from '../api/verdict.ts'
import { status } from './status.ts'

/**
 * A compilation as YAML for people: problems, statuses, workloads and snapshots. Whatever may be a secret is replaced by
 * a digest of it, so that a change shows and the value does not: bodies of credentials, and the headers of exporters,
 * among which tokens travel.
 */
export function printCompilation(compilation: Compilation): string {
  const { snapshots, workloads, problems } = compilation
  const document = new Document(
    {
      problems: problems.map(shownProblem),
      statuses: status(compilation).map(({ at, status: shown }) => ({ ...at, status: shown })),
      workloads,
      snapshots: snapshots.map(shownSnapshot),
    },
    { aliasDuplicateObjects: false },
  )
  visit(document, {
    Collection: (_, collection) => {
      collection.flow = collection.items.every((item) => isPlain(isPair(item) ? item.value : item))
    },
  })
  return document.toString({ lineWidth: 0 })
}

/**
 * What may stand on one line with others: short of lists in lists, so that a condition, an endpoint or a match is one
 * line of a difference.
 */
function isPlain(node: unknown): boolean {
  return isScalar(node) ? !String(node.value).includes('\n') : isCollection(node) && node.items.length === 0
}

/** One line of a reader's attention: where, how bad, what, and what to do. */
function shownProblem({ kind, severity, at, path, inner, position, message, advice }: Problem): object {
  return {
    kind,
    severity,
    at: `${at.kind} ${at.namespace === '' ? '' : `${at.namespace}/`}${at.name}`,
    path,
    ...(inner === undefined ? {} : { inner }),
    ...(position === undefined ? {} : { position }),
    message,
    ...(advice === undefined ? {} : { advice }),
  }
}

function shownSnapshot({ gateway, version, resources, hold }: Snapshot): object {
  return { gateway, version, resources: resources.map(shownResource), hold }
}

function shownResource(resource: Resource): object {
  switch (resource.kind) {
    case 'credential':
      return { ...resource, body: { type: resource.body.type, digest: digestOf(resource.body) } }
    case 'telemetry':
      return { ...resource, config: withoutHeaders(resource.config) }
    default:
      return resource
  }
}

/** Wherever in the configuration `headers` stand, with digests for values. */
function withoutHeaders(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHeaders)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'headers' && Array.isArray(inner) ? inner.map(shownHeader) : withoutHeaders(inner),
    ]),
  )
}

function shownHeader(header: { readonly name: string; readonly value?: string }): object {
  return header.value === undefined ? header : { ...header, value: `digest:${digestOf(header.value)}` }
}
