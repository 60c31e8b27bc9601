import type { Problem } from '../api/problem.ts'
import { readFiles } from './read.ts'

/**
 * Broken manifests, each with `¶` before the character that its problem must point at, then what is said of it: the
 * kind, the message, the advice. A second, sound object follows each of them and must be read all the same.
 */
type Case = readonly [text: string, kind: Problem['kind'], message: string, advice?: string]

const SOUND = '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: sound}\n'

const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: weir
`
const ROUTE = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
`
const BACKEND = `apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: b}
spec:
`
const OPENAI = `${BACKEND}  type: AI
  ai:
    llm:
      openai:
        authToken: {kind: Passthrough}
`
const POLICY = `apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: "", kind: Service, name: s}]
`

const SYNTAX: readonly Case[] = [
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n¶\tname: x\n',
    'Syntax',
    'a tab is used as indentation',
    'YAML wants spaces',
  ],
  [
    'apiVersion: v1\n¶apiVersion: v1\nkind: ConfigMap\n',
    'Syntax',
    'this key stands twice in the same map',
    'keep one of the two',
  ],
  [
    'kind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: "1"\n ¶b: "2"\n',
    'Syntax',
    'all mapping items must start at the same column',
    'compare the indentation with the lines around it',
  ],
  ['kind: ConfigMap\nmetadata: ¶{name: x\n', 'Syntax', 'this bracket is never closed'],
  ['kind: ConfigMap\nmetadata: ¶{labels: {a: "b"}\n', 'Syntax', 'this bracket is never closed'],
  ['kind: ConfigMap\ndata: ¶{a: "b"\n', 'Syntax', 'this bracket is never closed'],
  [
    'kind: ConfigMap\ndata:\n  a: ¶b: c\n',
    'Syntax',
    'nested mappings are not allowed in compact mappings',
    "a value that holds ': ' needs quotes",
  ],
  [
    'kind: ConfigMap\nmetadata: {name: {¶{ .Values.name }}}\n',
    'Syntax',
    'a key must be a text',
    "is this a template? '{{ … }}' must be rendered first",
  ],
  ['kind: ConfigMap\ndata:\n  a: ¶"one\n  b: two\n', 'Syntax', 'this quote is never closed'],
  [
    'kind: ConfigMap\ndata:\n  a: ¶@x\n',
    'Syntax',
    'plain value cannot start with reserved character @',
    'quote the value',
  ],
  ['kind: ConfigMap\nmetadata: ¶*nobody\n', 'Syntax', "no anchor '&nobody' stands before this alias"],
  ['kind: ConfigMap\ndata: &d {a: ¶*d}\n', 'Syntax', "'*d' would hold itself"],
  ['kind: ConfigMap\ndata: {<<: ¶text}\n', 'Syntax', "the merge key '<<' wants a map"],
  ['kind: ConfigMap\ndata: {? ¶[a] : b}\n', 'Syntax', 'a key must be a text'],
  ['¶just some text\n', 'InvalidField', 'a manifest is a map with apiVersion, kind and metadata'],
  ['¶- a list\n', 'InvalidField', 'a manifest is a map with apiVersion, kind and metadata'],
]

const IDENTITY: readonly Case[] = [
  ['¶metadata: {name: x}\nkind: ConfigMap\n', 'InvalidField', "'apiVersion' is missing: every manifest has one"],
  ['¶apiVersion: v1\nmetadata: {name: x}\n', 'InvalidField', "'kind' is missing: every manifest has one"],
  ['apiVersion: ¶1\nkind: ConfigMap\n', 'InvalidField', "'apiVersion' must be a text"],
  [
    'apiVersion: gateway.networking.k8s.io/v1\nkind: ¶HTTPRuote\nmetadata: {name: x}\n',
    'UnknownKind',
    "unknown kind 'HTTPRuote' in 'gateway.networking.k8s.io/v1'",
    "did you mean 'HTTPRoute'?",
  ],
  [
    'apiVersion: gateway.kgateway.dev/v1alpha1\nkind: ¶backend\nmetadata: {name: x}\n',
    'UnknownKind',
    "unknown kind 'backend' in 'gateway.kgateway.dev/v1alpha1'",
    "did you mean 'Backend'?",
  ],
  [
    'apiVersion: v1\nkind: ¶Configmap\nmetadata: {name: x}\n',
    'UnknownKind',
    "unknown kind 'Configmap' in 'v1'",
    "did you mean 'ConfigMap'?",
  ],
  [
    'apiVersion: ¶gateway.networking.k8s.io/v1alpha2\nkind: HTTPRoute\nmetadata: {name: x}\n',
    'UnknownKind',
    "HTTPRoute has no version 'v1alpha2' here",
    'write apiVersion: gateway.networking.k8s.io/v1',
  ],
  [
    'apiVersion: ¶v1\nkind: HTTPRoute\nmetadata: {name: x}\n',
    'UnknownKind',
    "there is no HTTPRoute in 'v1'",
    'write apiVersion: gateway.networking.k8s.io/v1',
  ],
  [
    'apiVersion: ¶gateway.networking.k8s.oi/v1\nkind: Gateway\nmetadata: {name: x}\n',
    'UnknownKind',
    "unknown API group in 'gateway.networking.k8s.oi/v1'",
    "did you mean 'gateway.networking.k8s.io'?",
  ],
  [
    'apiVersion: ¶gloo.solo.io/v1\nkind: GatewayParameters\nmetadata: {name: x}\n',
    'UnknownKind',
    "unknown API group in 'gloo.solo.io/v1'",
    'write apiVersion: gateway.kgateway.dev/v1alpha1',
  ],
  ['¶apiVersion: v1\nkind: ConfigMap\ndata: {}\n', 'InvalidField', "'metadata' is missing"],
  ['apiVersion: v1\nkind: ConfigMap\n¶metadata: \n', 'InvalidField', "'metadata' is missing"],
  ['apiVersion: v1\nkind: ConfigMap\n¶metadata: {labels: {}}\n', 'InvalidField', "'name' is missing in 'metadata'"],
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {¶generateName: x-}\n',
    'InvalidField',
    "'generateName' needs an API server: an object in a file has a name of its own",
    "write 'name'",
  ],
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ¶My_Config}\n',
    'InvalidField',
    "'name' must be lower-case letters, digits, '-' and '.', with a letter or digit at either end of each part",
  ],
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ¶80}\n',
    'InvalidField',
    "'name' must be a text, is a number",
    'put it in quotes',
  ],
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ¶yes}\n',
    'InvalidField',
    "'name' must be a text, is true",
    'put it in quotes: kubectl takes y, n, yes, no, on and off for booleans',
  ],
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: ¶a.b}\n',
    'InvalidField',
    "'namespace' must be lower-case letters, digits and '-', with a letter or digit at either end",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: ¶a.b}\nspec: {ports: [{port: 80}]}\n',
    'InvalidField',
    "'name' must be lower-case letters, digits and '-', with a letter or digit at either end",
  ],
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, labels: {a b: ¶c}}\n',
    'InvalidField',
    "a key of 'labels' must be an optional DNS name and '/', then at most 63 letters, digits, '-', '_' and '.'",
  ],
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, ¶label: {a: b}}\n',
    'UnknownField',
    "unknown field 'label' in 'metadata'",
    "did you mean 'labels'?",
  ],
]

const CORE: readonly Case[] = [
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  port: ¶80\n',
    'InvalidField',
    "'port' must be a text, is a number",
    'put it in quotes',
  ],
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a/b: ¶x\n',
    'InvalidField',
    "a key of 'data' must be letters, digits, '-', '_' and '.', at most 253, neither '.' alone nor '..' at the front",
  ],
  [
    'apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata:\n  Authorization: ¶Bearer secret!\n',
    'InvalidField',
    "'Authorization' is not base64",
    "'stringData' takes plain text",
  ],
  [
    'apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n¶stringdata: {a: b}\n',
    'UnknownField',
    "unknown field 'stringdata'",
    "did you mean 'stringData'?",
  ],
  [
    'apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ntype: kubernetes.io/tls\n¶data:\n  tls.crt: ""\n',
    'InvalidField',
    "'data' needs the keys 'tls.crt' and 'tls.key' when the type is kubernetes.io/tls",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\n¶spec:\n  selector: {app: x}\n',
    'InvalidField',
    "'ports' must have at least 1 item",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ¶ports:\n  - port: 80\n  - port: 81\n',
    'InvalidField',
    "'ports' needs a name for each port when there are several",
  ],
  [
    'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\naddressType: ¶IP\nendpoints: []\n',
    'InvalidField',
    "'addressType' must be one of IPv4, IPv6, FQDN",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports: [{port: 80}]\n  clusterIP: ¶10.0.0.256\n',
    'InvalidField',
    "'clusterIP' must be an IP address, or None",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports: [{port: 80}]\n  clusterIP: ¶10.0.0.1\n  ipFamilies: [IPv6]\n',
    'InvalidField',
    "'clusterIP' must be an address of the first of the 'ipFamilies'",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  type: LoadBalancer\n  clusterIP: ¶None\n  ports: [{port: 80}]\n',
    'InvalidField',
    "'clusterIP' must not be None for types NodePort and LoadBalancer",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports: [{port: 80}]\n  ipFamilies: [IPv4, ¶IPv4]\n  ipFamilyPolicy: PreferDualStack\n',
    'InvalidField',
    "'ipFamilies' has an earlier item that is the same",
    'keep one of the two',
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports: [{port: 80}]\n  ipFamilies: [IPv4, IPv6]\n  ipFamilyPolicy: ¶SingleStack\n',
    'InvalidField',
    "'ipFamilyPolicy' must be PreferDualStack or RequireDualStack when there are two 'ipFamilies'",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\n¶spec:\n  ports: [{port: 80}]\n  ipFamilies: [IPv4, IPv6]\n',
    'InvalidField',
    "'ipFamilyPolicy' must be PreferDualStack or RequireDualStack when there are two 'ipFamilies'",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports: [{port: 80}]\n  ipFamilyPolicy: ¶DualStack\n',
    'InvalidField',
    "'ipFamilyPolicy' must be one of SingleStack, PreferDualStack, RequireDualStack",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports:\n  - {name: a, port: 80}\n  - ¶{name: b, port: 80}\n',
    'InvalidField',
    "'ports' has an earlier item with the same port and protocol",
    'keep one of the two',
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports: [{port: 80, name: ¶Web}]\n',
    'InvalidField',
    "'name' must be lower-case letters, digits and '-', with a letter or digit at either end",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports: [{port: 80, appProtocol: ¶a/b/c}]\n',
    'InvalidField',
    "'appProtocol' must be an optional DNS name and '/', then at most 63 letters, digits, '-', '_' and '.'",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  type: ExternalName\n  externalName: ¶http://a.example\n',
    'InvalidField',
    "'externalName' must be a lower-case DNS name without port",
  ],
  [
    'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  type: ExternalName\n  externalName: a.example\n  clusterIP: ¶None\n',
    'InvalidField',
    "'clusterIP' must not be given for type ExternalName",
  ],
  [
    'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\naddressType: IPv4\nendpoints:\n- addresses: [10.0.0.1]\n- addresses: [10.0.0.2, ¶a.example]\n',
    'InvalidField',
    "'addresses[1]' must be an IPv4 address, without leading zeros",
  ],
  [
    'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\naddressType: IPv4\nendpoints: [{addresses: [¶127.0.0.1]}]\n',
    'InvalidField',
    "'addresses[0]' must not be an unspecified, loopback or link-local address",
  ],
  [
    'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\naddressType: IPv6\nendpoints: [{addresses: [¶"fe80::1%eth0"]}]\n',
    'InvalidField',
    "'addresses[0]' must be an IPv6 address, without a zone",
  ],
  [
    'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\naddressType: IPv6\nendpoints: [{addresses: [¶"FD00::1"]}]\n',
    'InvalidField',
    "'addresses[0]' must be in the short form of RFC 5952",
  ],
  [
    'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\naddressType: FQDN\nendpoints: [{addresses: [¶localhost]}]\n',
    'InvalidField',
    "'addresses[0]' must be a lower-case DNS name of at least two parts",
  ],
  [
    'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\naddressType: IPv4\nports:\n- {port: 80}\n- ¶{port: 81}\n',
    'InvalidField',
    "'ports' has an earlier item with the same name",
    'keep one of the two',
  ],
  [
    'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\naddressType: IPv4\nports: [{port: ¶3000000000}]\n',
    'InvalidField',
    "'port' must be between -2147483648 and 2147483647",
  ],
  [
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  ..a: ¶x\n',
    'InvalidField',
    "a key of 'data' must be letters, digits, '-', '_' and '.', at most 253, neither '.' alone nor '..' at the front",
  ],
]

const GATEWAYS: readonly Case[] = [
  [
    `${GATEWAY}  ¶listener: []\n  listeners: [{name: h, port: 80, protocol: HTTP}]\n`,
    'UnknownField',
    "unknown field 'listener' in 'spec'",
    "did you mean 'listeners'?",
  ],
  [
    `${GATEWAY}  listeners: [{name: h, port: 80, protocol: HTTP}]\n  addresses: ¶[{value: 10.0.0.1}, {value: 10.0.0.1}]\n`,
    'InvalidField',
    "'addresses' has the same address twice",
  ],
  [`${GATEWAY}  listeners: ¶[]\n`, 'InvalidField', "'listeners' must have at least 1 item"],
  [
    `${GATEWAY}  ¶listeners:\n    name: http\n    port: 80\n`,
    'InvalidField',
    "'listeners' must be a list, is a map",
    "put '- ' before its first line",
  ],
  [
    `${GATEWAY}  listeners:\n  - ¶name: http\n    port: 80\n`,
    'InvalidField',
    "'protocol' is missing in 'listeners[0]'",
  ],
  [
    `${GATEWAY}  listeners: [{name: h, port: ¶"80", protocol: HTTP}]\n`,
    'InvalidField',
    "'port' must be an integer, is a text",
    'write it without quotes',
  ],
  [
    `${GATEWAY}  listeners: [{name: h, port: ¶70000, protocol: HTTP}]\n`,
    'InvalidField',
    "'port' must be between 1 and 65535",
  ],
  [
    `${GATEWAY}  listeners: [{name: h, port: 80, protocol: HTTP, hostname: ¶"http://x.com"}]\n`,
    'InvalidField',
    "'hostname' must be a lower-case DNS name without port, its first part '*' at most",
  ],
  [
    `${GATEWAY}  listeners: [{name: h, port: 80, protocol: HTTP}, ¶{name: h, port: 81, protocol: HTTP}]\n`,
    'InvalidField',
    "'listeners' has an earlier item with the same name",
    'keep one of the two',
  ],
  [
    `${GATEWAY}  listeners: ¶[{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: HTTP}]\n`,
    'InvalidField',
    "'listeners' has two items with the same port, protocol and hostname",
  ],
  [
    `${GATEWAY}  listeners:\n  - {name: h, port: 443, protocol: HTTPS, ¶tls: {mode: Terminate}}\n`,
    'InvalidField',
    "'certificateRefs' is missing: mode Terminate needs a certificate (or options)",
  ],
  [
    `${GATEWAY}  listeners:\n  - {name: h, port: 80, protocol: HTTP, tls: ¶{certificateRefs: [{name: c}]}}\n`,
    'InvalidField',
    "'tls' must not be given for protocols HTTP, TCP and UDP",
  ],
  [
    `${GATEWAY}  listeners:\n  - {name: h, port: 443, protocol: HTTPS, tls: {mode: ¶Passthrough}}\n`,
    'InvalidField',
    "'mode' must be Terminate for protocol HTTPS",
  ],
  [
    `${GATEWAY}  listeners:\n  - {name: h, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: ¶all}}}\n`,
    'InvalidField',
    "'from' must be one of All, Selector, Same",
    "did you mean 'All'?",
  ],
  [
    `${GATEWAY}  listeners: [{name: h, port: 80, protocol: HTTP}]\n¶addresses: []\n`,
    'UnknownField',
    "unknown field 'addresses'",
    "'addresses' belongs below 'spec': check the indentation",
  ],
]

const ROUTES: readonly Case[] = [
  [`${ROUTE}  rules: [{matches: [{path: {value: ¶gemini}}]}]\n`, 'InvalidField', "'value' must start with '/'"],
  [`${ROUTE}  rules: [{matches: [{path: {value: ¶//a}}]}]\n`, 'InvalidField', "'value' must not contain '//'"],
  [`${ROUTE}  rules: [{matches: [{path: {value: ¶/a/..}}]}]\n`, 'InvalidField', "'value' must not end with '/..'"],
  [
    `${ROUTE}  rules: [{matches: [{path: {value: ¶"/ä"}}]}]\n`,
    'InvalidField',
    "'value' must hold only the characters of a URL path (RFC 3986), others percent-encoded",
  ],
  [
    `${ROUTE}  rules: [{matches: [{path: {type: ¶Prefix, value: /a}}]}]\n`,
    'InvalidField',
    "'type' must be one of Exact, PathPrefix, RegularExpression",
  ],
  [
    `${ROUTE}  rules: [{matches: [{method: ¶post}]}]\n`,
    'InvalidField',
    "'method' must be one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH",
    "did you mean 'POST'?",
  ],
  [
    `${ROUTE}  rules: [{matches: [{headers: [{name: ¶"x:y", value: z}]}]}]\n`,
    'InvalidField',
    "'name' must be a header name: letters, digits and !#$%&'*+-.^_`|~",
  ],
  [
    `${ROUTE}  hostnames: ["*.example.com", ¶Example.com]\n`,
    'InvalidField',
    "'hostnames[1]' must be a lower-case DNS name without port, its first part '*' at most",
  ],
  [
    `${ROUTE}  rules:\n  - backendRefs:\n    - ¶name: s\n`,
    'InvalidField',
    "'port' is missing: a reference to a Service needs it",
  ],
  [
    `${ROUTE}  rules:\n  - backendRefs: [{name: s, port: 80, weight: ¶-1}]\n`,
    'InvalidField',
    "'weight' must be between 0 and 1000000",
  ],
  [
    `${ROUTE}  rules:\n  - timeouts: {request: ¶30 seconds}\n`,
    'InvalidField',
    "'request' must be a duration such as '30s', '500ms' or '1m30s': whole numbers with h, m, s or ms, at most four",
  ],
  [
    `${ROUTE}  rules:\n  - timeouts: {request: 1s, backendRequest: ¶2s}\n`,
    'InvalidField',
    "'backendRequest' must not be longer than 'request', which covers it",
  ],
  [
    `${ROUTE}  rules:\n  - filters:\n    - ¶type: RequestRedirect\n`,
    'InvalidField',
    "'requestRedirect' is missing: the type is RequestRedirect",
  ],
  [
    `${ROUTE}  rules:\n  - filters:\n    - type: URLRewrite\n      urlRewrite: {}\n      ¶requestRedirect: {}\n`.replace(
      '¶requestRedirect: {}',
      'requestRedirect: ¶{}',
    ),
    'InvalidField',
    "'requestRedirect' must not be given unless the type is RequestRedirect",
  ],
  [
    `${ROUTE}  rules:\n  - ¶filters:\n    - {type: URLRewrite, urlRewrite: {}}\n    - {type: RequestRedirect, requestRedirect: {}}\n`,
    'InvalidField',
    "'filters' must not have both a RequestRedirect and a URLRewrite",
  ],
  [
    `${ROUTE}  rules:\n  - filters: [{type: RequestRedirect, requestRedirect: {statusCode: ¶200}}]\n`,
    'InvalidField',
    "'statusCode' must be one of 301, 302, 303, 307, 308",
  ],
  [
    `${ROUTE}  rules:\n  - matches: ¶[{path: {type: Exact, value: /a}}]\n    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]\n`,
    'InvalidField',
    "'matches' must be exactly one PathPrefix match when a filter replaces the matched prefix",
  ],
  [
    `${ROUTE}  parentRefs: ¶[{name: g}, {name: g, sectionName: a}]\n`,
    'InvalidField',
    "'parentRefs' names a parent twice: each needs a sectionName or port of its own",
  ],
  [
    `${ROUTE}  rules:\n  - backendRefs:\n    - {name: b, kind: Backend, group: gateway.kgateway.dev, ¶wieght: 2}\n`,
    'UnknownField',
    "unknown field 'wieght' in 'backendRefs[0]'",
    "did you mean 'weight'?",
  ],
  [
    `${ROUTE}  rules:\n  - matches:\n    - path: {value: /a}\n      ¶backendRefs: []\n`,
    'UnknownField',
    "unknown field 'backendRefs' in 'matches[0]'",
    "'backendRefs' belongs further out: check the indentation",
  ],
]

const OTHERS: readonly Case[] = [
  [
    'apiVersion: gateway.networking.k8s.io/v1\nkind: ReferenceGrant\nmetadata: {name: g}\nspec:\n  from: [¶{group: "", kind: HTTPRoute}]\n  to: [{group: "", kind: Service}]\n',
    'InvalidField',
    "'namespace' is missing in 'from[0]'",
  ],
  [
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: c}\nspec: {controllerName: ¶weir}\n',
    'InvalidField',
    "'controllerName' must be a DNS name, '/' and a path",
  ],
  [
    `${POLICY}  ¶validation:\n    hostname: a.example\n`,
    'InvalidField',
    "'validation' must have exactly one of 'caCertificateRefs' and 'wellKnownCACertificates'",
  ],
  [
    `${POLICY}  validation: {hostname: ¶"*.example", wellKnownCACertificates: System}\n`,
    'InvalidField',
    "'hostname' must be a lower-case DNS name without port or wildcard",
  ],
]

const BACKENDS: readonly Case[] = [
  [
    `${BACKEND}  type: ¶Ai\n  ai: {llm: {openai: {authToken: {kind: Passthrough}}}}\n`,
    'InvalidField',
    "'type' must be one of AI, AWS, Static, DynamicForwardProxy, MCP",
    "did you mean 'AI'?",
  ],
  [
    `${BACKEND.replace('spec', '¶spec')}  type: AI\n`,
    'InvalidField',
    "'ai' must be given when, and only when, the type is AI",
  ],
  [`${OPENAI}        ¶modle: x\n`, 'UnknownField', "unknown field 'modle' in 'openai'", "did you mean 'model'?"],
  [`${OPENAI}      port: ¶8080\n`, 'InvalidField', "'port' must not be given without 'host'"],
  [
    `${OPENAI}      host: ¶http://model:8080\n`,
    'InvalidField',
    "'host' must be a host name or an IP address alone: no scheme, no path, no port",
  ],
  [`${OPENAI}      host: model\n      path: {full: ¶v1/chat}\n`, 'InvalidField', "'full' must start with '/'"],
  [
    `${BACKEND}  type: AI\n  ai:\n    ¶llm:\n      host: x\n`,
    'InvalidField',
    "'llm' must have exactly one of 'openai', 'azureopenai', 'anthropic', 'gemini', 'vertexai', 'bedrock'",
  ],
  [
    `${BACKEND}  type: AI\n  ai:\n    llm:\n      ¶gemini:\n        model: m\n        apiVersion: v1\n`,
    'InvalidField',
    "'authToken' is missing in 'gemini'",
  ],
  [
    `${BACKEND}  type: AI\n  ai:\n    llm:\n      openai:\n        ¶authToken: {kind: SecretRef}\n`,
    'InvalidField',
    "'secretRef' must be given when, and only when, the kind is SecretRef",
  ],
  [
    `${BACKEND}  type: AI\n  ai:\n    llm:\n      openai:\n        authToken: {kind: Inline, inline: ¶12345}\n`,
    'InvalidField',
    "'inline' must be a text, is a number",
    'put it in quotes',
  ],
  [
    `${BACKEND}  type: Static\n  static:\n    hosts: [{host: a, port: ¶0}]\n`,
    'InvalidField',
    "'port' must be between 1 and 65535",
  ],
  [
    `${BACKEND}  type: MCP\n  mcp:\n    targets:\n    - ¶name: t\n`,
    'InvalidField',
    "'targets[0]' must have exactly one of 'static', 'selector' and 'stdio'",
  ],
  [
    `${BACKEND}  type: MCP\n  mcp:\n    targets: [{name: t, static: {host: a, port: 80, protocol: ¶Sse}}]\n`,
    'InvalidField',
    "'protocol' must be one of StreamableHTTP, SSE",
    "did you mean 'SSE'?",
  ],
  [
    'apiVersion: gateway.kgateway.dev/v1alpha1\nkind: GatewayParameters\nmetadata: {name: p}\n¶spec: \n  kube: {}\n  selfManaged: {}\n',
    'InvalidField',
    "'spec' must have exactly one of 'kube' and 'selfManaged'",
  ],
  [
    'apiVersion: gateway.kgateway.dev/v1alpha1\nkind: GatewayParameters\nmetadata: {name: p}\nspec:\n  kube:\n    agentgateway:\n      ¶customConfigMap: x\n',
    'UnknownField',
    "unknown field 'customConfigMap' in 'agentgateway'",
    "did you mean 'customConfigMapName'?",
  ],
]

describe.each([
  ['YAML', SYNTAX],
  ['identity', IDENTITY],
  ['core kinds', CORE],
  ['Gateway', GATEWAYS],
  ['HTTPRoute', ROUTES],
  ['other Gateway API kinds', OTHERS],
  ['kinds of weir', BACKENDS],
])('broken manifests: %s', (_group, cases) => {
  const named = cases.map(([marked, kind, message, advice]) => ({ marked, kind, message, advice }))
  it.each(named)('$message', ({ marked, kind, message, advice }) => {
    const before = marked.slice(0, marked.indexOf('¶')).split('\n')
    const { objects, problems } = readFiles([{ path: 'x.yaml', text: `${marked.replace('¶', '')}${SOUND}` }], {
      namespace: 'default',
    })
    const position = { file: 'x.yaml', line: before.length, column: before.at(-1)!.length + 1 }
    expect(problems.map(({ at: _at, path: _path, ...shown }) => shown)).toEqual([
      { kind, severity: 'error', position, message, ...(advice === undefined ? {} : { advice }) },
    ])
    expect(objects.map(({ metadata }) => metadata.name)).toContain('sound')
    expect(objects).toHaveLength(kind === 'UnknownField' ? 2 : 1)
  })
})
