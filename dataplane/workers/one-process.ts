import type { Snapshot } from '../../contract/snapshot.ts'
import type { Log } from '../../runtime/log.ts'
import type { DataPlaneSettings } from '../settings.ts'
import { GatewayWorker } from './gateway-worker.ts'
import { runningForm } from './running-form.ts'
import type { Workers } from './workers.ts'

/**
 * For one CPU: this process serves by itself. A second one beside it would have nothing to share, but its memory and the
 * handing over of every connection would cost; should it die, the container's restart and the cached snapshot do what a
 * primary does for its workers.
 */
export function oneProcess(gateway: string, settings: DataPlaneSettings, log: Log): Workers {
  const worker = new GatewayWorker(gateway, settings, log)
  let running: Snapshot | undefined
  return {
    count: 1,
    get serving() {
      return running === undefined ? 0 : 1
    },
    get running() {
      return running
    },
    apply: async (snapshot) => {
      const ack = await worker.apply(snapshot)
      if (ack.version === snapshot.version) running = runningForm(snapshot, ack.refused, running)
      return ack
    },
    metrics: worker.metrics,
    config: worker.config,
    memory: worker.memory,
    setLogLevel: worker.setLogLevel,
    close: worker.close,
  }
}
