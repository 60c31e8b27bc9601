import type { KubeMap, KubeParameters } from '../api/gateway-parameters.ts'
import { isMap, overlay } from './overlay.ts'

/** The user that the image is made for. */
const USER_ID = 10101

/** Lets a process without privileges listen on port 80; one of the sysctls that the restricted level allows. */
const LOW_PORTS = { name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }

/**
 * The pod's security context: the restricted level of the Pod Security Standards and the sysctl for low ports, with
 * what the parameters say on top. The sysctl is no matter of security but of being able to serve: it stays whatever is
 * left out, unless the parameters name it themselves.
 */
export function podSecurityContext(parameters: KubeParameters): KubeMap {
  const { floatingUserId, omitDefaultSecurityContext, podTemplate } = parameters
  const ids = floatingUserId === true ? {} : { runAsUser: USER_ID, runAsGroup: USER_ID, fsGroup: USER_ID }
  const own = { ...ids, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }
  const merged = overlay(omitDefaultSecurityContext === true ? {} : own, podTemplate?.securityContext)
  const sysctls = Array.isArray(merged['sysctls']) ? (merged['sysctls'] as readonly unknown[]) : []
  const isNamed = sysctls.some((one) => isMap(one) && one['name'] === LOW_PORTS.name)
  return { ...merged, sysctls: isNamed ? sysctls : [LOW_PORTS, ...sysctls] }
}

/** The container's; undefined when there is nothing to say. */
export function containerSecurityContext(parameters: KubeParameters): KubeMap | undefined {
  const own = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
  }
  const merged = overlay(
    parameters.omitDefaultSecurityContext === true ? {} : own,
    parameters.agentgateway?.securityContext,
  )
  return Object.keys(merged).length === 0 ? undefined : merged
}
