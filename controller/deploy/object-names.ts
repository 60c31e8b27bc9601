import { createHash } from 'node:crypto'
import { GATEWAY_API_GROUP } from '../../contract/names.ts'
import type { Texts } from '../api/gateway-parameters.ts'
import type { Workload } from '../api/verdict.ts'
import { GATEWAY_NAME_LABEL } from '../kube/watch/watched-kinds.ts'

const GATEWAY_CLASS_LABEL = `${GATEWAY_API_GROUP}/gateway-class-name`
const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by'
/** The value of `app.kubernetes.io/name` and `managed-by`. */
const PRODUCT = 'weir'

/** The longest name of a Service, and the longest value of a label. */
const LABEL_CHARACTERS = 63
const HASH_CHARACTERS = 10
/** RFC 1035: what a Service may be called. */
const SERVICE_NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/

/**
 * The name of a Gateway's Service, Deployment and what belongs to them: the Gateway's own. A Gateway may be called what
 * a Service may not (253 characters, dots, a digit in front); then it is as much of the name as fits, and a hash.
 */
export function objectName(gateway: string): string {
  if (gateway.length <= LABEL_CHARACTERS && SERVICE_NAME.test(gateway)) return gateway
  const plain = gateway.replaceAll('.', '-')
  return shortened(/^[a-z]/.test(plain) ? plain : `gateway-${plain}`, gateway)
}

/** A text as the value of a label: itself where it fits. */
export function labelValue(text: string): string {
  const plain = text.replace(/[^-A-Za-z0-9_.]/g, '-').replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
  return plain.length <= LABEL_CHARACTERS ? plain : shortened(plain, text)
}

function shortened(text: string, hashed: string): string {
  const hash = createHash('sha256').update(hashed).digest('hex').slice(0, HASH_CHARACTERS)
  const kept = text.slice(0, LABEL_CHARACTERS - HASH_CHARACTERS - 1).replace(/[-_.]+$/, '')
  return `${kept}-${hash}`
}

/** The labels by which a Gateway's pods are found. A Deployment's can never be changed, so that they say little. */
export function selectorLabels({ gateway }: Workload): Texts {
  return { 'app.kubernetes.io/name': PRODUCT, [GATEWAY_NAME_LABEL]: labelValue(gateway.name) }
}

/** The labels that weir itself puts on objects; on pods, too, so that nothing in here may change with an upgrade. */
export function ownLabels(workload: Workload): Texts {
  return {
    ...selectorLabels(workload),
    'app.kubernetes.io/instance': labelValue(workload.gateway.name),
    'app.kubernetes.io/component': 'gateway',
    [MANAGED_BY_LABEL]: PRODUCT,
    [GATEWAY_CLASS_LABEL]: labelValue(workload.className),
  }
}

/** What all objects of one Gateway have in common, and nothing else in its namespace. */
export function objectLabels(gateway: string): Texts {
  return { [MANAGED_BY_LABEL]: PRODUCT, [GATEWAY_NAME_LABEL]: labelValue(gateway) }
}

/** {@link objectLabels} as a label selector. */
export function objectSelector(gateway: string): string {
  return Object.entries(objectLabels(gateway))
    .map((pair) => pair.join('='))
    .join(',')
}
