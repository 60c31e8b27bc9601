import type { ConfigMap, Container, EnvVar, KeyRef, Secret, Service } from './cluster-objects.ts'
import { fieldValue, type PodFacts, resourceValue } from './pod-fields.ts'

/** Something that a container needs and that is not there (yet): it waits, and the reason is shown in its status. */
export class ConfigMissing extends Error {}

/** Looks up objects of the pod's namespace. */
export interface ConfigSource {
  configMap(name: string): ConfigMap | undefined
  secret(name: string): Secret | undefined
  /** Services whose addresses the pod is told: those of its namespace, and `kubernetes`. */
  services(): readonly Service[]
}

const NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/

/**
 * The environment of a container as its pod's spec says: the services, then `envFrom`, then `env`, where `$(NAME)` means a
 * variable that came before it.
 * @param base what the image itself sets
 * @throws ConfigMissing for an object or key that is not there and not optional
 */
export function containerEnvironment(
  container: Container,
  facts: PodFacts,
  source: ConfigSource,
  base: Readonly<Record<string, string>>,
): Record<string, string> {
  const env: Record<string, string> = { ...serviceVariables(source.services()), ...base }
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef) {
      const found = required(source.configMap(configMapRef.name), 'configmap', configMapRef)
      assignNamed(env, prefix, found?.data ?? {})
    }
    if (secretRef) {
      const found = required(source.secret(secretRef.name), 'secret', secretRef)
      assignNamed(env, prefix, decoded(found?.data ?? {}))
    }
  }
  for (const one of container.env ?? []) {
    const value = variableValue(one, container, facts, source, env)
    if (value !== undefined) env[one.name] = value
  }
  return env
}

/** `$(NAME)` becomes the variable's value, `$$` a dollar; what names no variable stays as it is (core/v1, EnvVar.value). */
export function expandVariables(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (all, name: string | undefined) => {
    if (name === undefined) return '$'
    return Object.hasOwn(env, name) ? (env[name] as string) : all
  })
}

function variableValue(
  one: EnvVar,
  container: Container,
  facts: PodFacts,
  source: ConfigSource,
  before: Readonly<Record<string, string>>,
): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = one.valueFrom ?? {}
  if (fieldRef) return fieldValue(fieldRef.fieldPath, facts)
  if (resourceFieldRef) return resourceValue(resourceFieldRef, container, facts)
  if (configMapKeyRef) {
    const found = required(source.configMap(configMapKeyRef.name), 'configmap', configMapKeyRef)
    return requiredKey(found?.data?.[configMapKeyRef.key], 'configmap', configMapKeyRef)
  }
  if (secretKeyRef) {
    const found = required(source.secret(secretKeyRef.name), 'secret', secretKeyRef)
    return requiredKey(decoded(found?.data ?? {})[secretKeyRef.key], 'secret', secretKeyRef)
  }
  return expandVariables(one.value ?? '', before)
}

function required<T>(found: T | undefined, kind: string, ref: { name: string; optional?: boolean }): T | undefined {
  if (found === undefined && ref.optional !== true) throw new ConfigMissing(`${kind} "${ref.name}" not found`)
  return found
}

function requiredKey(value: string | undefined, kind: string, ref: KeyRef): string | undefined {
  if (value === undefined && ref.optional !== true) {
    throw new ConfigMissing(`couldn't find key ${ref.key} in ${kind} ${ref.name}`)
  }
  return value
}

function assignNamed(env: Record<string, string>, prefix: string, data: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(data)) if (NAME.test(prefix + key)) env[prefix + key] = value
}

function decoded(data: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

/** The variables that announce Services (`X_SERVICE_HOST`, and the form that Docker's links had). */
export function serviceVariables(services: readonly Service[]): Record<string, string> {
  const env: Record<string, string> = {}
  for (const { metadata, spec } of services) {
    const [first] = spec.ports ?? []
    if (first === undefined || spec.clusterIP === undefined || spec.clusterIP === 'None' || spec.clusterIP === '')
      continue
    const name = variableName(metadata.name)
    const url = (port: number, protocol: string): string => `${protocol.toLowerCase()}://${spec.clusterIP}:${port}`
    env[`${name}_SERVICE_HOST`] = spec.clusterIP
    env[`${name}_SERVICE_PORT`] = String(first.port)
    env[`${name}_PORT`] = url(first.port, first.protocol ?? 'TCP')
    for (const { name: portName, port, protocol = 'TCP' } of spec.ports ?? []) {
      if (portName) env[`${name}_SERVICE_PORT_${variableName(portName)}`] = String(port)
      const link = `${name}_PORT_${port}_${protocol}`
      env[link] = url(port, protocol)
      env[`${link}_PROTO`] = protocol.toLowerCase()
      env[`${link}_PORT`] = String(port)
      env[`${link}_ADDR`] = spec.clusterIP
    }
  }
  return env
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}
