import { GATEWAY_CLASSES } from '../../contract/names.ts'
import type { KubeObject } from '../api/inventory.ts'
import type { ConditionsStatus, GatewayStatus, RouteStatus } from '../api/status.ts'
import type { Compilation, StatusPatch } from '../api/verdict.ts'
import { compile } from './compile.ts'
import { printCompilation } from './print.ts'
import { status } from './status.ts'

/*
 * What goldens (test/golden) cannot show: objects that only an API server could hold or that its schema refuses, what
 * acks do to statuses, and that nothing is changed or remembered.
 */

let age = 0

function object(kind: string, name: string, spec: object, rest: Partial<KubeObject> = {}): KubeObject {
  const groups: { readonly [kind: string]: string } = {
    Backend: 'gateway.kgateway.dev/v1alpha1',
    GatewayParameters: 'gateway.kgateway.dev/v1alpha1',
    EndpointSlice: 'discovery.k8s.io/v1',
    Service: 'v1',
    Secret: 'v1',
  }
  age += 1
  return {
    apiVersion: groups[kind] ?? 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { name, namespace: 'edge', generation: 7, creationTimestamp: new Date(age * 1000).toISOString() },
    spec,
    ...rest,
  }
}

const gateway = (listeners: readonly object[] = [{ name: 'http', port: 80, protocol: 'HTTP' }]): KubeObject =>
  object('Gateway', 'edge', { gatewayClassName: 'weir', listeners })

const route = (name: string, rules: readonly object[]): KubeObject =>
  object('HTTPRoute', name, { parentRefs: [{ name: 'edge' }], rules })

const toStatic = { backendRefs: [{ group: 'gateway.kgateway.dev', kind: 'Backend', name: 'web' }] }
const staticBackend = object('Backend', 'web', {
  type: 'Static',
  static: { hosts: [{ host: 'a.example.com', port: 80 }] },
})

function compiled(...objects: readonly KubeObject[]): Compilation {
  return compile({ objects, problems: [] }, { implicitClasses: GATEWAY_CLASSES })
}

function statusOf<S>(patches: readonly StatusPatch[], kind: string): S {
  return patches.find(({ at }) => at.kind === kind)?.status as S
}

function reasons(
  conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[],
): string[] {
  return conditions.map((one) => `${one.type}=${one.status}/${one.reason}`)
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) frozen(inner)
  }
  return value
}

describe('compile', () => {
  it('changes nothing and remembers nothing', () => {
    const inventory = frozen({ objects: [gateway(), route('web', [toStatic]), staticBackend], problems: [] })
    const settings = { implicitClasses: GATEWAY_CLASSES }
    expect(compile(inventory, settings)).toEqual(compile(inventory, settings))
  })

  it('finds a hostname twice on a port, whatever its case, and nobody wins', () => {
    const listeners = [
      { name: 'one', port: 80, protocol: 'HTTP', hostname: 'a.example.com' },
      { name: 'two', port: 80, protocol: 'HTTP', hostname: 'A.example.com.' },
      { name: 'three', port: 80, protocol: 'HTTP' },
      { name: 'four', port: 80, protocol: 'HTTP', hostname: '' },
      { name: 'five', port: 81, protocol: 'HTTP' },
    ]
    const { snapshots, verdicts } = compiled(gateway(listeners))
    const { conditions, listeners: shown } = statusOf<GatewayStatus>(verdicts, 'Gateway')
    expect(reasons(conditions)).toEqual(['Accepted=True/ListenersNotValid', 'Programmed=Unknown/Pending'])
    expect(shown.map((one) => reasons(one.conditions).slice(0, 2).join(' '))).toEqual([
      ...Array.from({ length: 4 }, () => 'Accepted=False/HostnameConflict Conflicted=True/HostnameConflict'),
      'Accepted=True/Accepted Conflicted=False/NoConflicts',
    ])
    expect(snapshots[0]?.resources.map(({ key }) => key)).toEqual(['listener/five', 'telemetry'])
  })

  it('settles conflicts of policies of one second by their names', () => {
    const policy = (name: string): KubeObject =>
      object(
        'BackendTLSPolicy',
        name,
        {
          targetRefs: [{ group: 'gateway.kgateway.dev', kind: 'Backend', name: 'web' }],
          validation: { hostname: `${name}.example.com`, wellKnownCACertificates: 'System' },
        },
        { metadata: { name, namespace: 'edge', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' } },
      )
    const { snapshots } = compiled(gateway(), policy('b'), policy('a'), staticBackend, route('web', [toStatic]))
    expect(snapshots[0]?.resources.find(({ kind }) => kind === 'backend')).toMatchObject({
      body: { tls: { hostname: 'a.example.com' } },
    })
  })

  it('never lets a rule with a filter that it cannot run through to its backend', () => {
    const types = ['RequestMirror', 'CORS', 'ExtensionRef', 'ExternalAuth', 'FromTheFuture']
    const { snapshots } = compiled(
      gateway(),
      staticBackend,
      ...types.map((type) => route(type.toLowerCase(), [{ ...toStatic, filters: [{ type }] }])),
    )
    const routes = snapshots[0]?.resources.filter((one) => one.kind === 'route') ?? []
    expect(routes).toHaveLength(types.length)
    for (const one of routes) expect(one.broken?.status).toBe(500)
  })

  it.each([
    [
      { type: 'RequestRedirect', requestRedirect: {} },
      { type: 'URLRewrite', urlRewrite: {} },
    ],
    [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } }],
  ])('refuses filters that do not go together: %j', (...filters) => {
    const exact = { matches: [{ path: { type: 'Exact', value: '/a' } }] }
    const { snapshots, verdicts } = compiled(
      gateway(),
      staticBackend,
      route('web', [{ ...toStatic, ...exact, filters }]),
    )
    expect(reasons(statusOf<RouteStatus>(verdicts, 'HTTPRoute').parents[0]?.conditions ?? [])).toEqual([
      'Accepted=False/IncompatibleFilters',
      'ResolvedRefs=True/ResolvedRefs',
    ])
    expect(snapshots[0]?.resources.find((one) => one.kind === 'route')?.broken?.status).toBe(500)
  })

  it('takes the conditions from parameters that no Gateway uses any more, and says nothing of their fields', () => {
    const infrastructure = {
      parametersRef: { group: 'gateway.kgateway.dev', kind: 'GatewayParameters', name: 'own' },
    }
    const parameters = object('GatewayParameters', 'own', { kube: { stats: {} } })
    const used = compiled(
      parameters,
      object('Gateway', 'edge', {
        gatewayClassName: 'weir',
        infrastructure,
        listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }],
      }),
    )
    const { conditions } = statusOf<ConditionsStatus>(status(used), 'GatewayParameters')
    expect(reasons(conditions)).toEqual(['Accepted=True/Accepted', 'PartiallyInvalid=True/UnsupportedValue'])
    const foreign = object('Gateway', 'foreign', { gatewayClassName: 'other', infrastructure, listeners: [] })
    for (const unused of [compiled(parameters), compiled(parameters, gateway(), foreign)]) {
      expect(status(unused).filter(({ at }) => at.kind === 'GatewayParameters')).toEqual([
        {
          at: {
            apiVersion: 'gateway.kgateway.dev/v1alpha1',
            kind: 'GatewayParameters',
            namespace: 'edge',
            name: 'own',
          },
          status: { conditions: [] },
        },
      ])
      expect(unused.problems.filter(({ at }) => at.kind === 'GatewayParameters')).toEqual([])
    }
  })

  it.each([0, -1, 65_536])('sends nothing to the port %d, which an API server lets a slice have', (number) => {
    const { snapshots } = compiled(
      gateway(),
      route('web', [{ backendRefs: [{ group: '', kind: 'Service', name: 'web', port: 80 }] }]),
      object('Service', 'web', { ports: [{ port: 80 }, { name: 'x', port: 81 }] }),
      ...[number, 8080].map((target) =>
        object('EndpointSlice', `web-${target}`, {}, {
          metadata: {
            name: `web-${target}`,
            namespace: 'edge',
            creationTimestamp: '2026-01-01T00:00:00Z',
            labels: { 'kubernetes.io/service-name': 'web' },
          },
          addressType: 'IPv4',
          endpoints: [{ addresses: ['10.0.0.1'] }],
          ports: [{ name: '', port: target }],
        } as Partial<KubeObject>),
      ),
    )
    expect(snapshots[0]?.resources.find(({ kind }) => kind === 'backend')).toMatchObject({
      body: { endpoints: [{ host: '10.0.0.1', port: 8080 }] },
    })
  })

  it('says of a duration what one looks like', () => {
    const { problems } = compiled(
      gateway(),
      staticBackend,
      route('web', [{ ...toStatic, timeouts: { request: '1.5s' } }]),
    )
    expect(problems).toMatchObject([{ path: 'spec.rules[0].timeouts.request', message: "'1.5s' is not a duration" }])
  })

  it('does not let a token into Problems, statuses or print', () => {
    const secret = (name: string, text: string): KubeObject =>
      object('Secret', name, {}, { data: { Authorization: Buffer.from(text).toString('base64') } })
    const backend = (name: string, authToken: object): KubeObject =>
      object('Backend', name, { type: 'AI', ai: { llm: { openai: { authToken } } } })
    const result = compiled(
      gateway(),
      backend('good', { kind: 'SecretRef', secretRef: { name: 'good' } }),
      backend('bad', { kind: 'SecretRef', secretRef: { name: 'bad' } }),
      backend('inline', { kind: 'Inline', inline: 'hunter2\r\ninjected: yes' }),
      secret('good', 'hunter2'),
      secret('bad', 'hunter2\nx'),
      route('chat', [
        {
          backendRefs: ['good', 'bad', 'inline'].map((name) => ({
            group: 'gateway.kgateway.dev',
            kind: 'Backend',
            name,
          })),
        },
      ]),
    )
    const credentials = result.snapshots[0]?.resources.filter((one) => one.kind === 'credential')
    expect(credentials).toMatchObject([{ key: 'credential/token/edge/good', body: { token: 'hunter2' } }])
    expect(printCompilation(result)).not.toContain('hunter2')
    expect(printCompilation(result)).not.toContain(Buffer.from('hunter2').toString('base64').slice(0, 8))
    expect(JSON.stringify([result.problems, result.verdicts, result.workloads])).not.toContain('hunter2')
  })

  it('changes the version when a secret changes, and only its resource', () => {
    const at = (token: string): Compilation =>
      compiled(
        frozenGateway,
        object('Backend', 'web', {
          type: 'AI',
          ai: { llm: { openai: { authToken: { kind: 'SecretRef', secretRef: { name: 's' } } } } },
        }),
        object('Secret', 's', {}, { data: { Authorization: Buffer.from(token).toString('base64') } }),
        frozenRoute,
      )
    const frozenGateway = gateway()
    const frozenRoute = route('web', [toStatic])
    const [before, after] = [at('one').snapshots[0], at('two').snapshots[0]]
    const changed = before?.resources.filter(
      ({ key, digest }) => after?.resources.find((other) => other.key === key)?.digest !== digest,
    )
    expect(after?.version).not.toBe(before?.version)
    expect(changed?.map(({ key }) => key)).toEqual(['credential/token/edge/s'])
  })
})

describe('status', () => {
  const listeners = [
    { name: 'one', port: 80, protocol: 'HTTP' },
    { name: 'two', port: 81, protocol: 'HTTP' },
  ]
  const compilation = compiled(gateway(listeners), route('web', [toStatic]), staticBackend)
  const version = compilation.snapshots[0]?.version ?? ''
  const acked = (
    refused: readonly { key: string; path: string; message: string }[],
    of = version,
  ): readonly StatusPatch[] => status(compilation, [{ gateway: 'edge/edge', version: of, refused }])
  const refusal = (key: string): { key: string; path: string; message: string } => ({
    key,
    path: 'x',
    message: 'no room',
  })

  it('is programmed where the version is acked', () => {
    const shown = statusOf<GatewayStatus>(acked([]), 'Gateway')
    expect(reasons(shown.conditions)).toEqual(['Accepted=True/Accepted', 'Programmed=True/Programmed'])
    for (const one of shown.listeners) expect(reasons(one.conditions)).toContain('Programmed=True/Programmed')
    expect(shown.conditions.every(({ observedGeneration }) => observedGeneration === 7)).toBe(true)
  })

  it.each([
    [[]],
    [[{ gateway: 'edge/edge', version: 'older', refused: [] }]],
    [[{ gateway: 'other/edge', version, refused: [] }]],
  ])('is pending without an ack of this version: %j', (acks) => {
    const shown = statusOf<GatewayStatus>(status(compilation, acks), 'Gateway')
    expect(reasons(shown.conditions)).toContain('Programmed=Unknown/Pending')
  })

  it('says which listener was refused; the Gateway is programmed for the other', () => {
    const shown = statusOf<GatewayStatus>(acked([refusal('listener/two')]), 'Gateway')
    expect(reasons(shown.conditions)).toContain('Programmed=True/Programmed')
    expect(shown.listeners.map((one) => reasons(one.conditions)[3])).toEqual([
      'Programmed=True/Programmed',
      'Programmed=False/Invalid',
    ])
    expect(shown.listeners[1]?.conditions[3]?.message).toContain('no room')
  })

  it('is not programmed when every listener was refused', () => {
    const shown = statusOf<GatewayStatus>(acked([refusal('listener/one'), refusal('listener/two')]), 'Gateway')
    expect(reasons(shown.conditions)).toContain('Programmed=False/Invalid')
  })

  it('shows a refused rule as fallen back, on the route and nowhere else', () => {
    const patches = acked([refusal('route/one/edge/web/0')])
    const [parent] = statusOf<RouteStatus>(patches, 'HTTPRoute').parents
    expect(reasons(parent?.conditions ?? [])).toEqual([
      'Accepted=True/Accepted',
      'ResolvedRefs=True/ResolvedRefs',
      'PartiallyInvalid=True/UnsupportedValue',
    ])
    expect(parent?.conditions[2]?.message).toMatch(/^Fall Back: spec\.rules\[0\]: .*x: no room/)
    expect(patches.filter((one) => one.at.kind !== 'HTTPRoute')).toEqual(
      acked([]).filter((one) => one.at.kind !== 'HTTPRoute'),
    )
  })

  it('shows a refused Backend and refused telemetry', () => {
    const patches = acked([refusal('backend/Backend/edge/web'), refusal('telemetry')])
    const backend = statusOf<{ conditions: Parameters<typeof reasons>[0] }>(patches, 'Backend')
    expect(reasons(backend.conditions)).toEqual(['Accepted=False/Refused', 'ResolvedRefs=True/ResolvedRefs'])
    expect(reasons(statusOf<GatewayStatus>(patches, 'Gateway').conditions)).toContain(
      'weir.dev/Telemetry=False/Invalid',
    )
  })

  it('takes a refusal of an unknown key for nothing', () => {
    expect(acked([refusal('route/gone/edge/web/0')])).toEqual(acked([]))
  })
})
