/** What a test's gateway looks like; everything in namespace `default`, Gateway `edge` on port 8080, route `/chat`. */
export interface ChatManifests {
  readonly modelPort: number
  /** Absent: no tracing. */
  readonly otlpPort?: number
  /** Lines of YAML under `config.tracing`, beside the endpoint. */
  readonly tracing?: readonly string[]
  /** Lines of YAML under `config`, beside tracing. */
  readonly config?: readonly string[]
}

const indented = (lines: readonly string[], by: number): string =>
  lines.map((line) => `${' '.repeat(by)}${line}\n`).join('')

/** The tracing ConfigMap alone, for tests that change it. */
export function tracingConfigMap({
  otlpPort,
  tracing = ['randomSampling: true'],
  config = [],
}: Omit<ChatManifests, 'modelPort'>): string {
  const block =
    otlpPort === undefined
      ? ''
      : `      tracing:\n        otlpEndpoint: http://127.0.0.1:${otlpPort}\n${indented(tracing, 8)}`
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: tracing-config}
data:
  config.yaml: |-
    config:
${block}${indented(config, 6)}`.replace(/config:\n$/, 'config: {}\n')
}

/** Gateway, Backend (OpenAI dialect at the mock model), HTTPRoute, Secret, GatewayParameters. */
export function gatewayManifests(modelPort: number): string {
  return `apiVersion: v1
kind: Secret
metadata: {name: model-key}
stringData: {Authorization: "Bearer sk-test-model-0001"}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: GatewayParameters
metadata: {name: parameters}
spec: {kube: {agentgateway: {customConfigMapName: tracing-config}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: weir
  infrastructure: {parametersRef: {group: gateway.kgateway.dev, kind: GatewayParameters, name: parameters}}
  listeners: [{name: http, port: 8080, protocol: HTTP}]
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: model}
spec:
  type: AI
  ai:
    llm:
      openai: {authToken: {kind: SecretRef, secretRef: {name: model-key}}}
      host: 127.0.0.1
      port: ${modelPort}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat}
spec:
  parentRefs: [{name: edge}]
  rules:
  - matches: [{path: {value: /chat}}]
    backendRefs: [{group: gateway.kgateway.dev, kind: Backend, name: model}]
`
}

export function chatManifests(manifests: ChatManifests): string {
  return `${gatewayManifests(manifests.modelPort)}---\n${tracingConfigMap(manifests)}`
}
