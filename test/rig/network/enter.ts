import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/**
 * `node test/rig/network/enter.ts COMMAND ARGS…` runs a command in private network, mount and process namespaces: what
 * it does to addresses and mounts is gone with it, and so is every process that it started, however it ends. Without
 * root, a user namespace comes first; it needs the ranges of /etc/subuid and newuidmap, because pods run as other users.
 */
const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
const USER_NAMESPACE = ['--user', '--map-root-user', '--map-auto']

const command = process.argv.slice(2)
if (command.length === 0) {
  process.stderr.write('usage: node test/rig/network/enter.ts COMMAND ARGS…\n')
  process.exit(2)
}
const isRoot = process.getuid?.() === 0
const args = [...(isRoot ? [] : USER_NAMESPACE), ...NAMESPACES, ...bringLoopbackUp(command)]
const child = spawn('unshare', args, { stdio: 'inherit', env: { ...process.env, WEIR_RIG: 'entered' } })
child.once('error', (error) => {
  process.stderr.write(`the rig needs unshare (util-linux): ${error.message}\n`)
  process.exit(1)
})
// unshare itself ignores these while it waits; ending it ends everything inside.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGKILL'))
child.once('exit', (code, signal) => {
  if (code !== null && code !== 0 && !isRoot) {
    process.stderr.write('without root the rig needs user namespaces and the package uidmap (newuidmap, /etc/subuid)\n')
  }
  process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
})

/** The command, run once the namespace's loopback is up (a new one is born with it down). */
function bringLoopbackUp(argv: readonly string[]): string[] {
  return ['sh', '-euc', 'PATH="$PATH:/usr/sbin:/sbin" ip link set lo up; exec "$@"', 'sh', ...argv]
}
