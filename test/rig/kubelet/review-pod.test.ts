import type { Pod } from './cluster-objects.ts'
import { reviewPod } from './review-pod.ts'

const review = (spec: object, container: object = {}) =>
  reviewPod({
    metadata: { name: 'p', namespace: 'ns', uid: 'u', resourceVersion: '1' },
    spec: { ...spec, containers: [{ name: 'main', image: 'i', ...container }] },
  } as Pod)

describe('reviewPod', () => {
  it('takes what the API server fills in without a word', () => {
    const filledIn = {
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      priority: 0,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
      tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
    }
    const container = {
      imagePullPolicy: 'Always',
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    }
    expect(review(filledIn, container)).toEqual({ refused: [], withoutEffect: [] })
  })

  it.each([
    [{ hostNetwork: true }, {}, 'spec.hostNetwork: true'],
    [{ volumes: [{ name: 'v', hostPath: { path: '/' } }] }, {}, 'spec.volumes[0].hostPath'],
    [
      { volumes: [{ name: 'v', emptyDir: { medium: 'HugePages' } }] },
      {},
      'spec.volumes[0].emptyDir.medium: "HugePages"',
    ],
    [
      { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } },
      {},
      'spec.securityContext.sysctls: kernel.msgmax',
    ],
    [
      { securityContext: { sysctls: [{ name: 'net./../x', value: '1' }] } },
      {},
      'spec.securityContext.sysctls: net./../x',
    ],
    [{}, { securityContext: { privileged: true } }, 'spec.containers[0].securityContext.privileged: true'],
    [{}, { lifecycle: { preStop: {} } }, 'spec.containers[0].lifecycle'],
    [{}, { readinessProbe: { grpc: { port: 1 } } }, 'spec.containers[0].readinessProbe.grpc'],
    [
      {},
      { securityContext: { seccompProfile: { type: 'Localhost' } } },
      'spec.containers[0].securityContext.seccompProfile.type: "Localhost"',
    ],
    [{ aFieldOfTomorrow: 1 }, {}, 'spec.aFieldOfTomorrow'],
  ])('refuses %j %j', (spec, container, at) => expect(review(spec, container).refused).toEqual([at]))

  it('names what has no effect', () => {
    const container = {
      resources: { limits: { cpu: '1' } },
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    }
    expect(review({}, container)).toEqual({
      refused: [],
      withoutEffect: [
        'spec.containers[0].resources.limits',
        'spec.containers[0].securityContext.seccompProfile.type: RuntimeDefault',
      ],
    })
  })
})
