import type { Container, Pod } from './cluster-objects.ts'
import { containerIdentity, setprivArguments } from './container-identity.ts'

const identity = (pod: object, container: object, imageUser = 0) =>
  containerIdentity(
    {
      metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1' },
      spec: { securityContext: pod, containers: [] },
    } as Pod,
    { name: 'main', image: 'i', securityContext: container } as Container,
    imageUser,
  )

describe('containerIdentity', () => {
  it('lets the container win over the pod, and the pod over the image', () => {
    expect(identity({ runAsUser: 5, runAsGroup: 6 }, { runAsUser: 7 }, 8)).toMatchObject({ user: 7, group: 6 })
    expect(identity({}, {}, 8)).toMatchObject({ user: 8, group: 0 })
    expect(identity({ fsGroup: 3, supplementalGroups: [2, 3] }, {}).supplementalGroups).toEqual([2, 3])
  })

  it('refuses root where the pod says not root', () => {
    expect(() => identity({ runAsNonRoot: true }, {})).toThrow('container has runAsNonRoot and image will run as root')
    expect(identity({ runAsNonRoot: true }, {}, 1)).toMatchObject({ user: 1 })
    expect(identity({ runAsNonRoot: true }, { runAsNonRoot: false })).toMatchObject({ user: 0 })
  })

  it.each([
    [{ drop: ['ALL'] }, []],
    [{ drop: ['ALL'], add: ['NET_BIND_SERVICE'] }, ['net_bind_service']],
    [{ drop: ['ALL'], add: ['CAP_NET_ADMIN', 'CHOWN'] }, ['chown', 'net_admin']],
  ])('has of %j the capabilities %j', (capabilities, expected) => {
    expect(identity({}, { capabilities }).capabilities).toEqual(expected)
  })

  it('drops single ones of the default, and knows no invented ones', () => {
    expect(identity({}, { capabilities: { drop: ['NET_RAW'] } }).capabilities).not.toContain('net_raw')
    expect(() => identity({}, { capabilities: { add: ['FLY'] } })).toThrow('capability fly is not known here')
  })

  it('becomes arguments of setpriv', () => {
    const restricted = identity(
      { runAsUser: 5, runAsGroup: 6 },
      { capabilities: { drop: ['ALL'] }, allowPrivilegeEscalation: false },
    )
    expect(setprivArguments(restricted)).toEqual([
      ...[
        '--reuid=5',
        '--regid=6',
        '--clear-groups',
        '--bounding-set=-all',
        '--inh-caps=-all',
        '--ambient-caps=-all',
        '--no-new-privs',
      ],
    ])
  })
})
