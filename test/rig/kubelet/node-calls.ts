import type { DnsHosts } from '../network/cluster-dns.ts'
import type { ImageTable } from './images.ts'
import type { NodeSettings } from './node.ts'

/** What a suite's process asks of the node's process. */
export type NodeCall =
  | { readonly method: 'start'; readonly settings: NodeSettings }
  | { readonly method: 'setDnsHosts'; readonly hosts: DnsHosts }
  | { readonly method: 'addImages'; readonly images: ImageTable }
  | { readonly method: 'processId'; readonly namespace: string; readonly pod: string; readonly container: string }
  | { readonly method: 'stop' }

/** The answer to the call of that number. */
export type NodeReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }
