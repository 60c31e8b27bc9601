import type { KubeObject } from '../api/inventory.ts'
import { readFiles } from './read.ts'
import { MAX_FILE_BYTES } from './source.ts'

function read(text: string) {
  return readFiles([{ path: 'x.yaml', text }], { namespace: 'default' })
}

/** The one object of a text that has no problems. */
function readOne(text: string): KubeObject {
  const { objects, problems } = read(text)
  expect(problems).toEqual([])
  expect(objects).toHaveLength(1)
  return objects[0]!
}

function shown({ problems }: ReturnType<typeof read>): string[] {
  return problems.map(({ severity, kind, message }) => `${severity} ${kind}: ${message}`)
}

const CONFIG_MAP = 'apiVersion: v1\nkind: ConfigMap\n'

describe('readFiles', () => {
  it('reads documents, lists and JSON in their order, as an API server would give them', () => {
    const { objects, problems } = readFiles(
      [
        {
          path: 'a.yaml',
          text: `${CONFIG_MAP}metadata: {name: a, namespace: x}\n---\n# nothing\n---\n${CONFIG_MAP}metadata: {name: b}\n`,
        },
        {
          path: 'b.json',
          text: JSON.stringify({
            apiVersion: 'v1',
            kind: 'List',
            items: [
              { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'c', labels: { team: 'a' } } },
              { apiVersion: 'v1', kind: 'SecretList', items: [{ metadata: { name: 'd' } }] },
            ],
          }),
        },
      ],
      { namespace: 'here' },
    )
    expect(problems).toEqual([])
    expect(objects).toEqual([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...meta('a', 0), namespace: 'x' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...meta('b', 1), namespace: 'here' } },
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { ...meta('c', 2), labels: { team: 'a', 'kubernetes.io/metadata.name': 'c' } },
      },
      { apiVersion: 'v1', kind: 'Secret', metadata: { ...meta('d', 3), namespace: 'here' }, type: 'Opaque' },
    ])
  })

  function meta(name: string, second: number) {
    return { name, generation: 1, creationTimestamp: `2000-01-01T00:00:0${second}Z` }
  }

  it('gives the same inventory for the same texts, frozen to the bottom', () => {
    const text = `${CONFIG_MAP}metadata: {name: a}\ndata: {k: v}\n`
    const first = readOne(text)
    expect(readOne(text)).toEqual(first)
    expect(Object.isFrozen(first) && Object.isFrozen(first.metadata) && Object.isFrozen(first.data)).toBe(true)
  })

  it('fills in the defaults of an HTTPRoute', () => {
    const route = readOne(`apiVersion: gateway.networking.k8s.io/v1beta1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: edge}]
  rules:
  - backendRefs: [{name: s, port: 80}]
    matches:
    - headers: [{name: x, value: z}]
    - path: {type: Exact}
    filters:
    - {type: RequestMirror, requestMirror: {backendRef: {name: m, port: 1}, fraction: {numerator: 1}}}
  - filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]
`)
    expect(route.apiVersion).toBe('gateway.networking.k8s.io/v1')
    const everything = { type: 'PathPrefix', value: '/' }
    expect(route.spec).toEqual({
      parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' }],
      rules: [
        {
          backendRefs: [{ group: '', kind: 'Service', name: 's', port: 80, weight: 1 }],
          matches: [
            { headers: [{ type: 'Exact', name: 'x', value: 'z' }], path: everything },
            { path: { type: 'Exact', value: '/' } },
          ],
          filters: [
            {
              type: 'RequestMirror',
              requestMirror: {
                backendRef: { group: '', kind: 'Service', name: 'm', port: 1 },
                fraction: { numerator: 1, denominator: 100 },
              },
            },
          ],
        },
        {
          matches: [{ path: everything }],
          filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 302 } }],
        },
      ],
    })
  })

  it('fills in the defaults of a Gateway', () => {
    const gateway = readOne(`apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: weir
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - name: https
    port: 443
    protocol: HTTPS
    tls: {certificateRefs: [{name: c}]}
    allowedRoutes: {kinds: [{kind: HTTPRoute}]}
`)
    const same = { namespaces: { from: 'Same' } }
    expect(gateway.spec).toEqual({
      gatewayClassName: 'weir',
      listeners: [
        { name: 'http', port: 80, protocol: 'HTTP', allowedRoutes: same },
        {
          name: 'https',
          port: 443,
          protocol: 'HTTPS',
          tls: { mode: 'Terminate', certificateRefs: [{ group: '', kind: 'Secret', name: 'c' }] },
          allowedRoutes: { ...same, kinds: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute' }] },
        },
      ],
    })
  })

  it('fills in the defaults of a Backend, from its CRD', () => {
    const backend = readOne(`apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: b}
spec:
  type: MCP
  mcp: {targets: [{name: t, static: {host: h, port: 80}}]}
`)
    expect(backend.spec).toEqual({
      type: 'MCP',
      mcp: {
        targets: [{ name: 't', static: { host: 'h', port: 80, protocol: 'StreamableHTTP' } }],
        prefixMode: 'Conditional',
        failureMode: 'FailClosed',
        sessionRouting: 'Stateful',
      },
    })
  })

  it('merges stringData into data and never keeps it', () => {
    const secret = readOne(
      'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: YQ==, b: Yg==}\nstringData: {b: ü, c: ""}\n',
    )
    expect(secret.data).toEqual({ a: 'YQ==', b: 'w7w=', c: '' })
    expect(secret).not.toHaveProperty('stringData')
  })

  it('drops a status and what only a server knows, without a word', () => {
    const service = readOne(`apiVersion: v1
kind: Service
metadata: {name: s, uid: u, resourceVersion: "5", creationTimestamp: null, managedFields: [{manager: x}]}
spec: {clusterIP: 10.0.0.1, ports: [{port: 80, targetPort: http}]}
status: {loadBalancer: {}}
`)
    expect(Object.keys(service.metadata)).toEqual(['name', 'namespace', 'generation', 'creationTimestamp'])
    expect(service).not.toHaveProperty('status')
  })

  it('drops a null as "not given", where a default takes its place and where none does', () => {
    const service = readOne(
      'apiVersion: v1\nkind: Service\nmetadata: {name: s, labels: null}\nspec: {type: null, ports: [{port: 1}], selector: null}\n',
    )
    expect(service.spec).toMatchObject({ type: 'ClusterIP' })
    expect(service.spec).not.toHaveProperty('selector')
  })

  it('takes a null in a map of texts for the empty text, as Go does', () => {
    const { objects, problems } = read(`${CONFIG_MAP}metadata: {name: a, labels: {l: null}, annotations: {z: null}}
data: {a: null}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {b: null}
stringData: {c: null}
`)
    expect(problems).toEqual([])
    expect(objects).toMatchObject([
      { metadata: { labels: { l: '' }, annotations: { z: '' } }, data: { a: '' } },
      { data: { b: '', c: '' } },
    ])
  })

  it.each([
    ['two rules of one name', 'HTTPRoute', '{rules: [{name: a}, {name: a}]}'],
    [
      'a named address twice',
      'Gateway',
      '{gatewayClassName: weir, listeners: [{name: h, port: 80, protocol: HTTP}], addresses: [&a {type: NamedAddress, value: a}, *a]}',
    ],
  ])('accepts %s, as the standard CRDs do', (_what, kind, spec) => {
    readOne(`apiVersion: gateway.networking.k8s.io/v1\nkind: ${kind}\nmetadata: {name: x}\nspec: ${spec}\n`)
  })

  it.each([
    ['a name with a digit first', '1st', '{ports: [{port: 80}]}'],
    [
      'empty texts for what is not given',
      'x',
      "{type: '', clusterIP: '', ports: [{port: 80, name: '', protocol: ''}]}",
    ],
    ['one port for two protocols', 'x', '{ports: [{name: a, port: 53}, {name: b, port: 53, protocol: UDP}]}'],
    ['two families, headless without a selector', 'x', '{clusterIP: None, ipFamilies: [IPv6, IPv4]}'],
    ['an external name with a dot at its end', 'x', '{type: ExternalName, externalName: a.example.}'],
    ['whatever an external name is, for other types', 'x', '{externalName: A b, ports: [{port: 80}]}'],
  ])('accepts a Service with %s', (_what, name, spec) => {
    readOne(`apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: ''}\nspec: ${spec}\n`)
  })

  it('accepts an EndpointSlice as an API server does, the number of a port included', () => {
    const slice = readOne(`apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: s}
addressType: FQDN
endpoints: [{addresses: [a.example, b.example.]}]
ports: [{port: 99999}, {name: http}]
`)
    expect(slice).toMatchObject({ ports: [{ name: '', port: 99_999 }, { name: 'http' }] })
  })

  it('counts the bytes of a Secret decoded, and those once that stringData replaces', () => {
    const bytes = Buffer.alloc(1024 * 1024, 'x')
    const secret = (data: object, stringData: object): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data, stringData })
    readOne(secret({ a: bytes.toString('base64') }, {}))
    readOne(secret({ a: bytes.toString('base64') }, { a: 'x' }))
    expect(shown(read(secret({ a: bytes.toString('base64') }, { b: 'x' })))).toEqual([
      "error InvalidField: 'data' holds more than 1 MiB",
    ])
  })

  it('reads anchors, aliases and merge keys', () => {
    const { objects, problems } = read(
      `${CONFIG_MAP}metadata: {name: a, labels: &l {a: x, b: w}, annotations: {<<: *l, b: z}}\ndata: *l\n`,
    )
    expect(problems).toEqual([])
    expect(objects[0]).toMatchObject({ metadata: { annotations: { a: 'x', b: 'z' } }, data: { a: 'x', b: 'w' } })
  })

  it('keeps keys that mean something to JavaScript as data', () => {
    const { data } = readOne(`${CONFIG_MAP}metadata: {name: a}\ndata: {__proto__: p, constructor: c}\n`)
    expect(Object.entries(data ?? {})).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ])
  })

  it('uses the first of two objects of one name and says where it is', () => {
    const inventory = read(
      `${CONFIG_MAP}metadata: {name: a}\ndata: {k: one}\n---\n${CONFIG_MAP}metadata: {name: a, namespace: default}\n`,
    )
    expect(inventory.objects).toMatchObject([{ data: { k: 'one' } }])
    expect(inventory.problems).toMatchObject([
      {
        kind: 'Duplicate',
        message: 'ConfigMap default/a is defined twice: this one is left out, x.yaml:3 is used',
        position: { line: 8, column: 18 },
      },
    ])
  })

  it('takes one name in two versions of a group for the same object', () => {
    const grant = (version: string) =>
      `apiVersion: gateway.networking.k8s.io/${version}\nkind: ReferenceGrant\nmetadata: {name: g}\nspec: {from: [{group: "", kind: K, namespace: ns}], to: [{group: "", kind: K}]}\n`
    expect(shown(read(`${grant('v1')}---\n${grant('v1beta1')}`))).toEqual([
      'error Duplicate: ReferenceGrant default/g is defined twice: this one is left out, x.yaml:3 is used',
    ])
  })

  it('ignores what is none of its business, and warns of what is not built', () => {
    const other = (apiVersion: string, kind: string) =>
      `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: x}\n`
    const inventory = read(
      [
        other('apps/v1', 'Deployment'),
        other('v1', 'ServiceAccount'),
        other('rbac.authorization.k8s.io/v1', 'ClusterRole'),
        other('apiextensions.k8s.io/v1', 'CustomResourceDefinition'),
        other('example.com/v1', 'Widget'),
        other('networking.istio.io/v1', 'Gateway'),
        other('gateway.kgateway.dev/v1alpha1', 'BackendConfigPolicy'),
        other('agentgateway.dev/v1alpha1', 'AgentgatewayBackend'),
        other('gateway.networking.k8s.io/v1', 'GRPCRoute'),
      ].join(''),
    )
    expect(inventory.objects).toEqual([])
    expect(shown(inventory)).toEqual([
      "info NoEffect: Gateway of networking.istio.io/v1 is not weir's: ignored",
      'warning NotBuilt: BackendConfigPolicy of gateway.kgateway.dev: not built yet: no effect',
      'warning NotBuilt: AgentgatewayBackend of agentgateway.dev: not built yet: no effect',
      'warning NotBuilt: GRPCRoute of gateway.networking.k8s.io: not built yet: no effect',
    ])
  })

  it('reads a cluster-scoped object without the namespace that it should not have', () => {
    const inventory = read('apiVersion: v1\nkind: Namespace\nmetadata: {name: ns, namespace: x}\n')
    expect(inventory.objects[0]?.metadata).not.toHaveProperty('namespace')
    expect(shown(inventory)).toEqual(['info NoEffect: a Namespace has no namespace: ignored'])
  })

  it('drops an unknown field and keeps the object', () => {
    const inventory = read(`${CONFIG_MAP}metadata: {name: a}\ndata: {k: v}\ndat: {}\n`)
    expect(inventory.objects).toMatchObject([{ data: { k: 'v' } }])
    expect(inventory.objects[0]).not.toHaveProperty('dat')
  })

  it('wants the items of a List to be a list', () => {
    expect(shown(read('apiVersion: v1\nkind: List\n'))).toEqual([])
    expect(shown(read('apiVersion: v1\nkind: List\nitems: {a: b}\n'))).toEqual([
      "error InvalidField: 'items' must be a list",
    ])
  })

  it('names the object, and the field by its path', () => {
    const { problems } = read(`${CONFIG_MAP}metadata: {name: a, namespace: ns}\ndata: {config.yaml: 5}\n`)
    expect(problems).toMatchObject([
      { at: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'ns', name: 'a' }, path: 'data["config.yaml"]' },
    ])
  })

  it('goes on with the next document after a quote or bracket that is never closed, and with the next file', () => {
    const inventory = readFiles(
      [
        {
          path: 'a.yaml',
          text: `a: "\n---\n${CONFIG_MAP}metadata: {name: a}\n---\nb: {\n---\nc: |\n  text\n---\n${CONFIG_MAP}metadata: {name: b}\n`,
        },
        { path: 'b.yaml', text: '', unreadable: 'does not exist' },
        { path: 'c.yaml', text: `${CONFIG_MAP}metadata: {name: c}\n` },
      ],
      { namespace: 'default' },
    )
    expect(inventory.objects.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c'])
    expect(inventory.problems.map(({ position, message }) => [position?.file, position?.line, message])).toEqual([
      ['a.yaml', 1, 'this quote is never closed'],
      ['a.yaml', 7, 'this bracket is never closed'],
      ['a.yaml', 9, "'apiVersion' is missing: every manifest has one"],
      ['b.yaml', 1, 'the file does not exist'],
    ])
  })

  it('never shows a value that may be a secret', () => {
    const { problems } = read(`apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: b}
spec:
  type: AI
  ai: {llm: {openai: {model: [sk-hidden], authToken: {kind: sk-hidden, inline: [sk-hidden], secretRef: sk-hidden}}}}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {a: "sk-hidden!", "b c": sk-hidden}
stringData: {d: [sk-hidden]}
---
apiVersion: v1
kind: Secret
stringData:
  Authorization: "x" sk-hidden
---
apiVersion: v1
kind: Secret
stringData: {Authorization: "x"}sk-hidden
`)
    expect(problems.length).toBeGreaterThan(6)
    expect(JSON.stringify(problems)).not.toContain('hidden')
  })
})

describe('readFiles, given something hostile', () => {
  it('refuses a bomb of aliases', () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) => `l${n + 1}: &l${n + 1} [${Array(10).fill(`*l${n}`).join(', ')}]`,
    )
    const { objects, problems } = read(`${CONFIG_MAP}l0: &l0 [x]\n${levels.join('\n')}\n`)
    expect(objects).toEqual([])
    expect(problems).toMatchObject([{ kind: 'Syntax', message: 'aliases expand to more than 10000 values' }])
  })

  it('takes dates, bytes and sets for the texts and maps that JSON has', () => {
    const yaml =
      '%YAML 1.1\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 2001-12-14, b: !!binary YQ==, c: !!timestamp 2001-12-14}\n'
    expect(readOne(yaml).data).toEqual({ a: '2001-12-14', b: 'YQ==', c: '2001-12-14' })
  })

  it('refuses a file that is too large, counted in bytes', () => {
    const { problems } = read('ä'.repeat(MAX_FILE_BYTES / 2 + 1))
    expect(problems).toMatchObject([{ kind: 'Syntax', message: `the file is larger than ${MAX_FILE_BYTES} bytes` }])
  })

  it.each([101, 50_000])('refuses lists nested %i deep', (depth) => {
    const { objects, problems } = read(
      `${CONFIG_MAP}metadata: {name: a}\ndata: ${'['.repeat(depth)}${']'.repeat(depth)}\n---\n${CONFIG_MAP}metadata: {name: b}\n`,
    )
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(['b'])
    expect(problems).toMatchObject([{ kind: 'Syntax', severity: 'error' }])
  })

  it('reports no more of one object than anybody reads, and does not use what it did not check', () => {
    const fields = Array.from({ length: 5000 }, (_, n) => `f${n}: 1`).join('\n')
    const { objects, problems } = read(`${CONFIG_MAP}${fields}\nmetadata: {name: a}\ndata: [not, checked]\n`)
    expect(objects).toEqual([])
    expect(problems).toHaveLength(51)
    expect(problems.at(-1)?.message).toBe('the object has 50 mistakes or more: the rest is not checked')
  })

  it('finds a repeated key among very many', () => {
    const keys = Array.from({ length: 100_000 }, (_, n) => `  k${n}: x`)
    const { problems } = read(`${CONFIG_MAP}metadata: {name: a}\ndata:\n${keys.join('\n')}\n  k5: y\n`)
    expect(problems).toMatchObject([
      { message: 'this key stands twice in the same map', position: { line: 100_005, column: 3 } },
    ])
  })

  it('checks long texts without backtracking', () => {
    const long = 'a'.repeat(100_000)
    const header = `{name: ${long}, value: "${'a '.repeat(2000)}\\x01"}`
    const { problems } = read(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${long}!}
spec:
  hostnames: [${long}!, ${'a-'.repeat(120)}, ${'a.'.repeat(120)}]
  rules:
  - matches: [{headers: [${header}]}]
    timeouts: {request: ${'1'.repeat(50_000)}x}
`)
    expect(problems.map(({ path }) => path)).toEqual([
      'metadata.name',
      'spec.hostnames[0]',
      'spec.hostnames[1]',
      'spec.hostnames[2]',
      'spec.rules[0].matches[0].headers[0].name',
      'spec.rules[0].matches[0].headers[0].value',
      'spec.rules[0].timeouts.request',
    ])
  })
})
