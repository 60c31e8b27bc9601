import { Node } from './node.ts'
import type { NodeCall, NodeReply } from './node-calls.ts'

/** The process of a node: does what its parent calls for and ends with it, taking everything that it made with it. */
const say = (line: string): void => void process.stderr.write(`${line}\n`)
let node: Node | undefined

async function perform(call: NodeCall): Promise<unknown> {
  switch (call.method) {
    case 'start':
      node = new Node(call.settings)
      return node.start(say)
    case 'setDnsHosts':
      return node?.setDnsHosts(call.hosts)
    case 'addImages':
      return node?.addImages(call.images)
    case 'processId':
      return node?.processId(call.namespace, call.pod, call.container)
    case 'stop':
      return node?.stop()
  }
}

function reply(message: NodeReply): void {
  if (process.connected) process.send?.(message)
}

process.on('message', ({ id, call }: { id: number; call: NodeCall }) => {
  perform(call).then(
    (result) => reply({ id, result }),
    (error: Error) => reply({ id, error: error.message }),
  )
})
process.on('disconnect', () => {
  ;(node?.stop() ?? Promise.resolve()).catch((error: Error) => say(error.message)).finally(() => process.exit(0))
})
// Only its parent ends it: a Ctrl-C reaches both, and the parent wants its pods to end in order.
process.on('SIGINT', () => {})
