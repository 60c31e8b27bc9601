import { parentPort } from 'node:worker_threads'
import { Delivery } from './delivery.ts'
import { createGrpcSender } from './grpc-sender.ts'
import { createHttpSender } from './http-sender.ts'
import { Outage } from './outage.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'

/**
 * The thread that sends: sockets, TLS, JSON and waiting for receivers happen here, so that none of it delays a request.
 * The main thread decides what is sent and counts; it never has more than a few batches here for each exporter.
 */
const main = parentPort
if (main === null) throw new Error('this module is the entry of a worker thread')

const deliveries = new Map<number, Delivery>()

function tell(message: FromWorker): void {
  main?.postMessage(message)
}

function open({ exporter, sender, retry }: ToWorker & { kind: 'open' }): void {
  const outage = new Outage((cause) =>
    tell(cause === undefined ? { kind: 'recovered', exporter } : { kind: 'failing', exporter, cause }),
  )
  const create = sender.endpoint.protocol === 'grpc' ? createGrpcSender : createHttpSender
  deliveries.set(exporter, new Delivery(create(sender), retry, outage))
}

async function deliver({ exporter, batch, bytes }: ToWorker & { kind: 'deliver' }): Promise<void> {
  const result = await deliveries.get(exporter)?.deliver(bytes)
  if (result !== undefined && deliveries.has(exporter)) tell({ kind: 'delivered', exporter, batch, result })
}

main.on('message', (message: ToWorker) => {
  if (message.kind === 'open') {
    open(message)
  } else if (message.kind === 'deliver') {
    void deliver(message)
  } else {
    deliveries.get(message.exporter)?.close()
    deliveries.delete(message.exporter)
  }
})
