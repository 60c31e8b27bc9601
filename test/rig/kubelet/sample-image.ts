import { dirname, join } from 'node:path'
import type { RigImage } from './images.ts'

/** Where containers find the Node that runs this process. */
export const NODE_IN_CONTAINER = '/opt/node'

/** The Node of this machine, for images that run on it. */
export const nodeMount: Readonly<Record<string, string>> = { [NODE_IN_CONTAINER]: dirname(dirname(process.execPath)) }

/** An image whose program serves on $PORT and does inside its pod what a suite asks of it (sample/server.ts). */
export const sampleImage: RigImage = {
  entrypoint: [`${NODE_IN_CONTAINER}/bin/node`, '/app/server.ts'],
  mounts: { ...nodeMount, '/app': join(import.meta.dirname, 'sample') },
}
