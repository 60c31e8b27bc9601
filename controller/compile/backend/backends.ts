import { sealed } from '../../../contract/digest.ts'
import type { BackendResource, Broken, CredentialResource } from '../../../contract/snapshot.ts'
import type { Backend } from '../../api/backend.ts'
import type { Service } from '../../api/core.ts'
import type { Problem, ProblemKind } from '../../api/problem.ts'
import { notBuiltFields, problemAt } from '../findings.ts'
import type { Lookup } from '../lookup.ts'
import { findAiBody } from './ai-backend.ts'
import type { PolicyFinder, TlsTarget } from './backend-tls-policies.ts'
import { endpointsOf, unspokenProtocol } from './service-endpoints.ts'

/** What a Backend's block for its type says. */
export interface BodyFindings {
  readonly body: BackendResource['body']
  readonly broken: Broken | undefined
  readonly credentials: readonly CredentialResource[]
  readonly problems: readonly Problem[]
}

/** What compile found about something that a route may refer to. */
export interface BackendFindings {
  readonly resource: BackendResource
  readonly credentials: readonly CredentialResource[]
  /** Of a Backend; what is wrong with a Service is wrong with the reference to it. */
  readonly problems: readonly Problem[]
  readonly target: TlsTarget
  /** A Service's port, by name. */
  readonly section: string | undefined
}

/** Why a reference leads nowhere; `field` is the part of it that does not fit. */
export interface Unreachable {
  readonly kind: Extract<ProblemKind, 'BackendNotFound' | 'UnsupportedProtocol'>
  readonly field: 'name' | 'port'
  readonly message: string
}

/** Looks at each backend once, however many routes refer to it. */
export interface BackendFinder {
  backend(namespace: string, name: string): BackendFindings | Unreachable
  service(namespace: string, name: string, port: number | undefined): BackendFindings | Unreachable
}

/** Looks where a policy, a Secret or a slice matters to a backend, and keeps what it found for this compilation. */
export function backendFinder(lookup: Lookup, policies: PolicyFinder): BackendFinder {
  const known = new Map<string, BackendFindings | Unreachable>()
  const once = (key: string, find: () => BackendFindings | Unreachable): BackendFindings | Unreachable => {
    const findings = known.get(key) ?? find()
    known.set(key, findings)
    return findings
  }
  return {
    backend: (namespace, name) =>
      once(`Backend/${namespace}/${name}`, () => {
        const object = lookup.find('Backend', namespace, name)
        return object === undefined
          ? { kind: 'BackendNotFound', field: 'name', message: `Backend ${namespace}/${name} not found` }
          : findBackend(lookup, policies, object)
      }),
    service: (namespace, name, port) =>
      once(`Service/${namespace}/${name}:${port ?? ''}`, () => findService(lookup, policies, namespace, name, port)),
  }
}

function findBackend(lookup: Lookup, policies: PolicyFinder, object: Backend): BackendFindings {
  const target: TlsTarget = { kind: 'Backend', namespace: object.metadata.namespace ?? '', name: object.metadata.name }
  const { body, broken, credentials, problems } = findBody(lookup, policies, object, target)
  return {
    resource: sealed({
      kind: 'backend',
      key: `backend/Backend/${target.namespace}/${target.name}`,
      resource: target.kind,
      namespace: target.namespace,
      name: target.name,
      body,
      ...(broken === undefined ? {} : { broken }),
    }),
    credentials,
    problems: [...problems, ...notBuiltFields(object, 'spec', object.spec ?? {}, ['health'])],
    target,
    section: undefined,
  }
}

function findBody(lookup: Lookup, policies: PolicyFinder, object: Backend, target: TlsTarget): BodyFindings {
  const { spec } = object
  if (spec?.type === 'AI' && spec.ai !== undefined) return findAiBody(lookup, policies, object, spec.ai)
  if (spec?.type === 'Static' && spec.static !== undefined) return findStaticBody(policies, object, spec.static, target)
  if (spec?.type === 'MCP' && spec.mcp !== undefined) return findMcpBody(object, spec.mcp)
  const advice = 'types are AI, MCP and Static'
  const problem = problemAt(object, 'spec.type', 'UnsupportedValue', `type ${spec?.type} is not supported`, { advice })
  return brokenBody(problem)
}

function brokenBody(problem: Problem): BodyFindings {
  const broken = { status: 500, message: problem.message }
  return { body: { type: 'http', endpoints: [] }, broken, credentials: [], problems: [problem] }
}

/** The documents' HTTP/2 protocols of a static host; HTTP/1.1 cannot stand in for them. */
const UNSPOKEN: readonly string[] = ['http2', 'grpc', 'grpc-web', 'kubernetes.io/h2c']

type Block<T extends 'static' | 'mcp'> = NonNullable<NonNullable<Backend['spec']>[T]>

function findStaticBody(
  policies: PolicyFinder,
  object: Backend,
  spec: Block<'static'>,
  target: TlsTarget,
): BodyFindings {
  if (spec.appProtocol !== undefined && UNSPOKEN.includes(spec.appProtocol)) {
    const message = `appProtocol ${spec.appProtocol} is not built yet`
    return brokenBody(problemAt(object, 'spec.static.appProtocol', 'UnsupportedValue', message))
  }
  const more = { severity: 'warning' } as const
  const problems =
    spec.hosts.length > 1
      ? [problemAt(object, 'spec.static.hosts[1]', 'NoEffect', 'only the first host is used', more)]
      : []
  const endpoints = spec.hosts.slice(0, 1).map(({ host, port }) => ({ host, port }))
  return { ...httpBody(policies, target, undefined, endpoints), problems }
}

function findMcpBody(object: Backend, { targets }: Block<'mcp'>): BodyFindings {
  const message = 'MCP is not built yet: requests to this Backend get 501'
  const problems = [problemAt(object, 'spec.mcp', 'NotBuilt', message, { severity: 'warning' })]
  const body: BackendResource['body'] = { type: 'mcp', targets: targets.map(({ name }) => ({ name })) }
  return { body, broken: undefined, credentials: [], problems }
}

/** Plain HTTP, over TLS when a policy says so; an endpoint is told only where it may be spoken to. */
function httpBody(
  policies: PolicyFinder,
  target: TlsTarget,
  section: string | undefined,
  endpoints: readonly { host: string; port: number }[],
): BodyFindings {
  const verdict = policies.tlsOf(target, section)
  const broken = verdict !== undefined && 'broken' in verdict ? verdict.broken : undefined
  const tls = verdict !== undefined && 'tls' in verdict ? { tls: verdict.tls } : {}
  const body: BackendResource['body'] = { type: 'http', endpoints: broken === undefined ? [...endpoints] : [], ...tls }
  return { body, broken, credentials: [], problems: [] }
}

function findService(
  lookup: Lookup,
  policies: PolicyFinder,
  namespace: string,
  name: string,
  number: number | undefined,
): BackendFindings | Unreachable {
  const service = lookup.find('Service', namespace, name)
  const missing = (field: Unreachable['field'], message: string): Unreachable => ({
    kind: 'BackendNotFound',
    field,
    message,
  })
  if (service === undefined) return missing('name', `Service ${namespace}/${name} not found`)
  if (number === undefined) return missing('port', 'a reference to a Service needs a port')
  const port = portOf(service, number)
  if (port === undefined) return missing('port', `Service ${namespace}/${name} has no port ${number}`)
  const unspoken = unspokenProtocol(port)
  if (unspoken !== undefined) return { kind: 'UnsupportedProtocol', field: 'port', message: unspoken }
  const target: TlsTarget = { kind: 'Service', namespace, name }
  const { body, broken } = httpBody(policies, target, port.name, endpointsOf(lookup, service, port))
  const resource = sealed({
    kind: 'backend',
    key: `backend/Service/${namespace}/${name}:${number}`,
    resource: target.kind,
    namespace,
    name,
    body,
    ...(broken === undefined ? {} : { broken }),
  })
  return { resource, credentials: [], problems: [], target, section: port.name }
}

/** A Service for an external name need not list its ports: DNS knows none. */
function portOf(
  service: Service,
  number: number,
): NonNullable<NonNullable<Service['spec']>['ports']>[number] | undefined {
  const { type, ports = [] } = service.spec ?? {}
  const listed = ports.find(({ port }) => port === number)
  return listed ?? (type === 'ExternalName' && ports.length === 0 ? { port: number } : undefined)
}
