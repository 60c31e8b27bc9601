/** One Go program of a part. */
export interface Program {
  readonly binary: string
  /** What to build, as `go build` takes it, in the part's module. */
  readonly package: string
  /** A compiled test (`go test -c`) instead of a command. */
  readonly test?: true
  /** Texts set at link time, by the full name of the variable. */
  readonly variables?: Readonly<Record<string, string>>
  /** Names under which the program is found too; it acts by the name that it is called by. */
  readonly calledAs?: readonly string[]
}

/** Something the rig needs and builds once into the cache: its Go module is `parts/NAME`, which pins every version. */
export interface Part {
  /** What people call it. */
  readonly title: string
  readonly programs: readonly Program[]
  /** Folders of YAML files taken as they are from a module that the part requires: their names here, and there. */
  readonly files?: { readonly module: string; readonly folders: Readonly<Record<string, string>> }
  /** Minutes on two cores with nothing in Go's caches. */
  readonly coldMinutes: number
}

export type PartName = keyof typeof PARTS

const KUBERNETES = 'v1.36.3'
const HELM = 'v3.22.0'

/**
 * The version that Kubernetes programs report. Without it they call themselves `v0.0.0-master` and the version checks of
 * clients and charts stumble.
 */
const kubernetesVariables = {
  'k8s.io/component-base/version.gitVersion': KUBERNETES,
  'k8s.io/component-base/version.gitMajor': '1',
  'k8s.io/component-base/version.gitMinor': '36',
  'k8s.io/component-base/version.gitTreeState': 'clean',
  'k8s.io/component-base/version.gitCommit': '0'.repeat(40),
  'k8s.io/client-go/pkg/version.gitVersion': KUBERNETES,
}

/** Without these helm thinks of Kubernetes as v1.20 in `helm template` and `helm lint`. */
const helmVariables = {
  'helm.sh/helm/v3/internal/version.version': HELM,
  'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor': '1',
  'helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor': '36',
  'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor': '1',
  'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor': '36',
}

/** All parts, in the order in which they are built. */
export const PARTS = {
  kube: {
    title: `etcd and Kubernetes ${KUBERNETES}`,
    programs: [
      {
        binary: 'kube',
        package: '.',
        variables: kubernetesVariables,
        calledAs: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'],
      },
    ],
    coldMinutes: 6,
  },
  'gateway-api': {
    title: 'the standard CRDs of Gateway API v1.6.3, its examples and invalid examples',
    programs: [],
    files: {
      module: 'sigs.k8s.io/gateway-api',
      folders: {
        crds: 'config/crd/standard',
        examples: 'examples/standard',
        'invalid-examples': 'hack/invalid-examples/standard',
      },
    },
    coldMinutes: 0,
  },
  helm: {
    title: `Helm ${HELM}`,
    programs: [{ binary: 'helm', package: 'helm.sh/helm/v3/cmd/helm', variables: helmVariables }],
    coldMinutes: 2,
  },
  otelcol: {
    title: 'OpenTelemetry Collector v0.162.0',
    programs: [{ binary: 'otelcol', package: '.' }],
    coldMinutes: 2,
  },
  coredns: {
    title: 'CoreDNS v1.14.7',
    programs: [{ binary: 'coredns', package: '.' }],
    coldMinutes: 2,
  },
  streaming: {
    title: "the node's door for kubectl logs, port-forward and exec",
    programs: [{ binary: 'streaming', package: '.' }],
    coldMinutes: 1,
  },
  jaeger: {
    title: 'Jaeger v1.76.0',
    programs: [{ binary: 'jaeger', package: 'github.com/jaegertracing/jaeger/cmd/jaeger' }],
    coldMinutes: 4,
  },
  conformance: {
    title: 'the conformance suite of Gateway API v1.6.3',
    programs: [
      { binary: 'conformance.test', package: '.', test: true },
      { binary: 'echo-basic', package: 'sigs.k8s.io/gateway-api/conformance/echo-basic' },
    ],
    coldMinutes: 3,
  },
} as const satisfies { readonly [name: string]: Part }

/** What every suite may use; the other parts are built for the suites that ask for them. */
export const BASE_PARTS: readonly PartName[] = ['kube', 'gateway-api', 'helm', 'otelcol', 'coredns', 'streaming']

/** The part of this name; the table's own type names the fields only that each row has. */
export function partOf(name: PartName): Part {
  return PARTS[name]
}
