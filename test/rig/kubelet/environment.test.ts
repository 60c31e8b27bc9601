import type { ConfigMap, Container, Pod, Secret, Service } from './cluster-objects.ts'
import { type ConfigSource, containerEnvironment, expandVariables } from './environment.ts'

const metadata = (name: string) => ({ name, namespace: 'ns', uid: name, resourceVersion: '1' })
const pod: Pod = {
  metadata: { ...metadata('p'), labels: { app: 'x' }, annotations: { 'a/b': 'note' } },
  spec: { containers: [], serviceAccountName: 'robot' },
}
const facts = {
  pod,
  podIP: '10.244.0.9',
  hostIP: '10.244.0.1',
  nodeName: 'rig',
  capacity: { cpu: '64', memory: '64Gi' },
}
const settings: ConfigMap = { metadata: metadata('settings'), data: { key: 'value', 'not a name': 'x' } }
const hidden: Secret = { metadata: metadata('hidden'), data: { word: Buffer.from('sesame').toString('base64') } }
const web: Service = {
  metadata: metadata('my-web'),
  spec: {
    clusterIP: '10.96.0.7',
    ports: [
      { name: 'http', port: 80 },
      { name: 'tls', port: 443 },
    ],
  },
}
const source: ConfigSource = {
  configMap: (name) => (name === 'settings' ? settings : undefined),
  secret: (name) => (name === 'hidden' ? hidden : undefined),
  services: () => [web],
}
const environment = (container: Partial<Container>): Record<string, string> =>
  containerEnvironment({ name: 'main', image: 'i', ...container }, facts, source, { PATH: '/bin' })

describe('containerEnvironment', () => {
  it.each([
    ['metadata.name', 'p'],
    ["metadata.labels['app']", 'x'],
    ["metadata.annotations['a/b']", 'note'],
    ['spec.serviceAccountName', 'robot'],
    ['status.podIP', '10.244.0.9'],
    ['status.hostIP', '10.244.0.1'],
  ])('reads the field %s', (fieldPath, expected) => {
    expect(environment({ env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath } } }] })['X']).toBe(expected)
  })

  it.each([
    [{ limits: { cpu: '1500m' } }, 'limits.cpu', undefined, '2'],
    [{ limits: { cpu: '100m' } }, 'limits.cpu', '1m', '100'],
    [{ limits: { memory: '64Mi' } }, 'limits.memory', '1Mi', '64'],
    [{}, 'limits.cpu', '0', '64'],
    [{ requests: { memory: '1k' } }, 'requests.memory', undefined, '1000'],
  ])('counts %j %s in %s as %s', (resources, resource, divisor, expected) => {
    const resourceFieldRef = { resource, ...(divisor === undefined ? {} : { divisor }) }
    expect(environment({ resources, env: [{ name: 'X', valueFrom: { resourceFieldRef } }] })['X']).toBe(expected)
  })

  it('takes whole objects with a prefix, single keys, and lets the later win', () => {
    const env = environment({
      envFrom: [{ prefix: 'C_', configMapRef: { name: 'settings' } }, { secretRef: { name: 'hidden' } }],
      env: [
        { name: 'word', valueFrom: { secretKeyRef: { name: 'hidden', key: 'word' } } },
        { name: 'C_key', value: 'mine' },
      ],
    })
    expect(env).toMatchObject({ C_key: 'mine', word: 'sesame', PATH: '/bin' })
    expect(Object.keys(env).filter((name) => name.includes(' '))).toEqual([])
  })

  it('announces Services in both forms', () => {
    expect(environment({})).toMatchObject({
      MY_WEB_SERVICE_HOST: '10.96.0.7',
      MY_WEB_SERVICE_PORT: '80',
      MY_WEB_SERVICE_PORT_TLS: '443',
      MY_WEB_PORT_443_TCP: 'tcp://10.96.0.7:443',
      MY_WEB_PORT_443_TCP_ADDR: '10.96.0.7',
    })
  })

  it.each([
    [{ configMapKeyRef: { name: 'none', key: 'k' } }, 'configmap "none" not found'],
    [{ secretKeyRef: { name: 'hidden', key: 'none' } }, "couldn't find key none in secret hidden"],
    [{ fieldRef: { fieldPath: 'status.mood' } }, 'there is no field status.mood'],
  ])('says what is missing: %j', (valueFrom, message) => {
    expect(() => environment({ env: [{ name: 'X', valueFrom }] })).toThrow(message)
  })

  it('leaves out what is optional and missing', () => {
    const env = environment({
      env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'none', key: 'k', optional: true } } }],
      envFrom: [{ secretRef: { name: 'none', optional: true } }],
    })
    expect(env).not.toHaveProperty('X')
  })
})

describe('expandVariables', () => {
  it.each([
    ['$(A)/x', '1/x'],
    ['$(B)', '$(B)'],
    ['$$(A)', '$(A)'],
    ['$A $', '$A $'],
    ['$(toString)', '$(toString)'],
  ])('%s is %s', (text, expected) => expect(expandVariables(text, { A: '1' })).toBe(expected))
})
