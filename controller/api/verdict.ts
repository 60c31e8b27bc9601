import type { Snapshot } from '../../contract/snapshot.ts'
import type { KubeParameters, Texts } from './gateway-parameters.ts'
import type { ObjectRef, Problem } from './problem.ts'
import type { GatewayAddress } from './status.ts'

/** A condition before anybody has a clock: `lastTransitionTime` is filled in by who writes it. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly observedGeneration?: number
}

/** What compile found about one object, in a form from which `status` makes the object's status. */
export interface Verdict {
  readonly at: ObjectRef
  readonly generation: number | undefined
  readonly problems: readonly Problem[]
  /** The status that Kubernetes would show, as plain data, without transition times; its shape is the kind's own. */
  readonly status: unknown
}

/** What a Gateway's pods need around them; controller/deploy turns it into objects. */
export interface Workload {
  readonly gateway: ObjectRef
  /** The Gateway's, for owner references; absent where it comes from a file. */
  readonly uid?: string
  readonly className: string
  /** `spec.infrastructure.labels` and `.annotations`: for every object that is made. Absent when there are none. */
  readonly labels?: Texts
  readonly annotations?: Texts
  /** `hold`: leave what runs as it is. */
  readonly hold: boolean
  /** Listener ports in ascending order, each once. */
  readonly ports: readonly number[]
  /** Merged `spec.kube` of class and gateway parameters; undefined for selfManaged. */
  readonly parameters: KubeParameters | undefined
  readonly selfManaged: boolean
}

export interface Compilation {
  /** One for each Gateway of ours, sorted by name; one that is not accepted may have few resources, or none. */
  readonly snapshots: readonly Snapshot[]
  readonly workloads: readonly Workload[]
  readonly verdicts: readonly Verdict[]
  /** All problems, those of the inventory included, in a stable order. */
  readonly problems: readonly Problem[]
}

/** What one Gateway's data plane said of the newest snapshot that it has. */
export interface GatewayAck {
  /** `namespace/name`. */
  readonly gateway: string
  readonly version: string
  readonly refused: readonly { readonly key: string; readonly path: string; readonly message: string }[]
}

/** How a Gateway stands in the cluster; what compile cannot know and its status says all the same. */
export interface GatewayState {
  /** `namespace/name`. */
  readonly gateway: string
  /** Some pod of it is Ready. */
  readonly ready: boolean
  /** Its status already says Programmed, of this generation: that stays until the spec changes or no pod is Ready. */
  readonly programmed: boolean
  readonly addresses: readonly GatewayAddress[]
  /** What deploying it found. */
  readonly problems: readonly Problem[]
}

/** The status that an object should have. Entries and conditions of other controllers are not in it and stay. */
export interface StatusPatch {
  readonly at: ObjectRef
  /** Without transition times. */
  readonly status: unknown
}

/** Static settings of a compile. */
export interface CompileSettings {
  /** Gateways of these classes are ours even where no GatewayClass object is in the inventory (files). */
  readonly implicitClasses: readonly string[]
}
