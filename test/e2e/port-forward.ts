import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { ControlPlane } from '../rig/control-plane.ts'
import { partFolder } from '../rig/part-folder.ts'
import { Lines, stopped } from '../support/weir-process.ts'

/** A `kubectl port-forward` that runs. */
export interface PortForward {
  stop(): Promise<void>
}

/**
 * Starts `kubectl port-forward ARGS…` and waits until it forwards.
 * @throws with what it said, when it does not
 */
export async function startPortForward(controlPlane: ControlPlane, ...args: string[]): Promise<PortForward> {
  const child = spawn(join(partFolder('kube'), 'kubectl'), ['port-forward', ...args], {
    env: { ...process.env, KUBECONFIG: controlPlane.kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = new Lines(child.stdout, (line) => line)
  const wrong = new Lines(child.stderr, (line) => line)
  const stop = async (): Promise<void> => void (await stopped(child))
  try {
    await said.until(
      () => said.all.find((line) => line.startsWith('Forwarding from 127.0.0.1:')),
      () => `kubectl port-forward ${args.join(' ')}: ${[...said.all, ...wrong.all].join('\n')}`,
    )
  } catch (error) {
    await stop()
    throw error
  }
  return { stop }
}
