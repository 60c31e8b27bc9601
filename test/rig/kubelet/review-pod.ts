import type { Pod } from './cluster-objects.ts'

/** What the rig makes of the fields that a pod sets. */
export interface PodReview {
  /** Fields that ask for something the rig cannot give: the pod must not run. */
  readonly refused: readonly string[]
  /** Fields that are taken and have no effect here: said in an Event, so that no test counts on them. */
  readonly withoutEffect: readonly string[]
}

/** Applied; taken without effect; or applied only with this value. */
type Rule =
  | 'applied'
  | 'no effect'
  | { readonly only: readonly unknown[] }
  | { readonly noEffectOnly: readonly unknown[] }
/** A field that has no rule is refused. `[]` and `{}` (what the API server fills in) ask for nothing. */
type Rules = { readonly [field: string]: Rule | Rules | readonly [Rules] }

const probe: Rules = {
  httpGet: 'applied',
  tcpSocket: 'applied',
  exec: 'applied',
  initialDelaySeconds: 'applied',
  periodSeconds: 'applied',
  timeoutSeconds: 'applied',
  successThreshold: 'applied',
  failureThreshold: 'applied',
  terminationGracePeriodSeconds: 'applied',
}

const seccompProfile: Rules = { type: { noEffectOnly: ['RuntimeDefault', 'Unconfined'] } }

const container: Rules = {
  name: 'applied',
  image: 'applied',
  imagePullPolicy: 'applied',
  command: 'applied',
  args: 'applied',
  workingDir: 'applied',
  ports: [{ name: 'applied', containerPort: 'applied', protocol: 'applied' }],
  env: 'applied',
  envFrom: 'applied',
  resources: { requests: 'applied', limits: 'no effect' },
  volumeMounts: [{ name: 'applied', mountPath: 'applied', readOnly: 'applied', subPath: 'applied' }],
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  terminationMessagePath: 'no effect',
  terminationMessagePolicy: 'no effect',
  securityContext: {
    runAsUser: 'applied',
    runAsGroup: 'applied',
    runAsNonRoot: 'applied',
    readOnlyRootFilesystem: 'applied',
    allowPrivilegeEscalation: 'applied',
    capabilities: 'applied',
    privileged: { only: [false] },
    seccompProfile,
  },
}

const pod: Rules = {
  nodeName: 'applied',
  nodeSelector: 'applied',
  schedulerName: 'applied',
  schedulingGates: 'applied',
  hostname: 'applied',
  restartPolicy: 'applied',
  terminationGracePeriodSeconds: 'applied',
  enableServiceLinks: 'applied',
  serviceAccount: 'applied',
  serviceAccountName: 'applied',
  automountServiceAccountToken: 'applied',
  readinessGates: 'applied',
  hostAliases: 'applied',
  dnsPolicy: { only: ['ClusterFirst'] },
  hostNetwork: { only: [false] },
  hostPID: { only: [false] },
  hostIPC: { only: [false] },
  shareProcessNamespace: { only: [false] },
  priority: 'no effect',
  priorityClassName: 'no effect',
  preemptionPolicy: 'no effect',
  tolerations: 'no effect',
  topologySpreadConstraints: 'no effect',
  imagePullSecrets: 'no effect',
  affinity: {
    nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: 'no effect' },
    podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: 'no effect' },
    podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: 'no effect' },
  },
  securityContext: {
    runAsUser: 'applied',
    runAsGroup: 'applied',
    runAsNonRoot: 'applied',
    fsGroup: 'applied',
    fsGroupChangePolicy: 'applied',
    supplementalGroups: 'applied',
    supplementalGroupsPolicy: { only: ['Merge'] },
    sysctls: 'applied',
    seccompProfile,
  },
  volumes: [
    {
      name: 'applied',
      emptyDir: { medium: { only: ['', 'Memory'] }, sizeLimit: 'applied' },
      configMap: 'applied',
      secret: 'applied',
      downwardAPI: 'applied',
      projected: {
        defaultMode: 'applied',
        sources: [{ configMap: 'applied', secret: 'applied', downwardAPI: 'applied', serviceAccountToken: 'applied' }],
      },
    },
  ],
  initContainers: [container],
  containers: [container],
}

/** Fields that Kubernetes itself sets in every pod and whose having no effect surprises nobody. */
const UNREMARKED = /^spec\.(priority|preemptionPolicy|tolerations)|terminationMessage(Path|Policy)$/

/** Looks at every field that the pod's spec sets. A field that the rig does not know is refused, never passed over. */
export function reviewPod({ spec }: Pod): PodReview {
  const refused: string[] = []
  const withoutEffect: string[] = []
  const visit = (value: unknown, rules: Rules, path: string): void => {
    for (const [field, inner] of Object.entries(value as object)) {
      const rule = rules[field]
      const at = `${path}.${field}`
      if (asksForNothing(inner)) continue
      if (rule === undefined) refused.push(at)
      else if (rule === 'no effect') withoutEffect.push(at)
      else if (rule === 'applied') continue
      else if (isList(rule)) (inner as unknown[]).forEach((item, index) => void visit(item, rule[0], `${at}[${index}]`))
      else if (isChoice(rule)) {
        if ('only' in rule && rule.only.includes(inner)) continue
        if ('noEffectOnly' in rule && rule.noEffectOnly.includes(inner)) withoutEffect.push(`${at}: ${inner}`)
        else refused.push(`${at}: ${JSON.stringify(inner)}`)
      } else visit(inner, rule, at)
    }
  }
  visit(spec, pod, 'spec')
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    if (!/^net(\.[\w-]+)+$/.test(name)) refused.push(`spec.securityContext.sysctls: ${name}`)
  }
  return { refused, withoutEffect: withoutEffect.filter((at) => !UNREMARKED.test(at)) }
}

function asksForNothing(value: unknown): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value as object).length === 0)
}

function isList(rule: Rules[string]): rule is readonly [Rules] {
  return Array.isArray(rule)
}

function isChoice(rule: Rules[string]): rule is Exclude<Rule, string> {
  return typeof rule === 'object' && ('only' in rule || 'noEffectOnly' in rule)
}
