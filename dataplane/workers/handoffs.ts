import cluster, { type Worker } from 'node:cluster'

/** node:cluster's message that hands a connection to a worker, and the worker's answer to it. */
interface ClusterMessage {
  readonly cmd?: unknown
  readonly act?: unknown
  readonly seq?: unknown
  readonly ack?: unknown
}

/** A connection in the form in which node:cluster passes it on. */
interface ConnectionHandle {
  close(): void
}

/** Workers that listen, and so stand in the rounds. */
const listening = new WeakSet<Worker>()

/**
 * Saves the connections that were on their way to a worker when it died. node:cluster keeps such a connection until the
 * worker says that it has it, and forgets it when the worker never does: the client would wait for ever. Here the
 * worker's silence becomes the refusal that a worker gives which closes its port, so that another one gets the
 * connection. Not one byte of it was read: a worker says that it has a connection before it looks at it.
 */
export function saveHandoffs(worker: Worker): void {
  const child = worker.process
  const underway = new Map<unknown, ConnectionHandle>()
  const send = child.send.bind(child) as (...given: unknown[]) => boolean
  child.send = (...given: unknown[]): boolean => {
    const [message, handle] = given as [ClusterMessage, ConnectionHandle | null]
    const handsOver = message.cmd === 'NODE_CLUSTER' && message.act === 'newconn'
    if (handsOver && handle !== null) underway.set(message.seq, handle)
    return send(...given)
  }
  child.on('internalMessage', (message: ClusterMessage) => {
    if (message.cmd === 'NODE_CLUSTER' && message.ack !== undefined) underway.delete(message.ack)
  })
  worker.once('listening', () => listening.add(worker))
  disconnectAtExit(worker)
  // After node:cluster's own listener, which takes the worker out of the rounds.
  child.once('disconnect', () => {
    const others = Object.values(cluster.workers ?? {}).some(
      (other) => other !== undefined && other !== worker && other.isConnected() && listening.has(other),
    )
    for (const [seq, handle] of [...underway]) {
      // Without another worker nobody listens any more.
      if (others) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false })
      else handle.close()
    }
    underway.clear()
  })
}

/**
 * With a connection on its way node waits for the dead process to say that it came before it tells of the end of the
 * pipe: then nobody ever hears that the worker is gone.
 */
function disconnectAtExit({ process: child }: Worker): void {
  let told = false
  child.once('disconnect', () => {
    told = true
  })
  const tell = (): void => {
    if (told) return
    // What the process said last is still to be read; the end of the pipe comes right behind it.
    if (child.connected) setImmediate(tell)
    else child.emit('disconnect')
  }
  child.once('exit', () => setImmediate(tell))
}
