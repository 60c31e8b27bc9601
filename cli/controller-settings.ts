import type { ControllerSettings } from '../controller/settings.ts'
import { type ListenAddress, parseListenAddress } from '../runtime/address.ts'
import type { LogLevel } from '../runtime/log-level.ts'
import type { FlagValues } from './flags.ts'
import { given, logSettings, orMessage, orWrong, WrongFlag, wholeNumber } from './serving-settings.ts'

/** Everything that the command line and the environment decide about a replica of the controller. */
export interface ControllerPodSettings extends ControllerSettings {
  readonly stats: ListenAddress
  readonly readiness: ListenAddress
  readonly log: LogLevel & { readonly format: 'text' | 'json' }
}

/**
 * Reads the settings of `controller`.
 * @returns a message when a flag's value is wrong or one lacks (exit code 2)
 */
export function readControllerSettings(flags: FlagValues): ControllerPodSettings | string {
  return orMessage(() => {
    const watched = names(flags, 'watch-namespaces')
    return {
      podName: given(flags, 'controller', 'pod-name', 'POD_NAME'),
      podIp: given(flags, 'controller', 'pod-ip', 'POD_IP'),
      namespace: given(flags, 'controller', 'pod-namespace', 'POD_NAMESPACE'),
      watchNamespaces: watched.length === 0 ? undefined : watched,
      leaseName: flags.text('lease') as string,
      caSecret: flags.text('ca-secret') as string,
      pushService: flags.text('push-service') as string,
      pushPort: portNumber(flags.text('push-port') as string),
      clusterDomain: flags.text('cluster-domain') as string,
      image: given(flags, 'controller', 'dataplane-image', 'DATAPLANE_IMAGE'),
      imagePullPolicy: flags.text('dataplane-image-pull-policy'),
      imagePullSecrets: names(flags, 'dataplane-image-pull-secrets'),
      stats: orWrong('stats', parseListenAddress(flags.text('stats') as string)),
      readiness: orWrong('readiness', parseListenAddress(flags.text('readiness') as string)),
      log: logSettings(flags),
    }
  })
}

function names(flags: FlagValues, name: string): readonly string[] {
  const parts = (flags.text(name) ?? '').split(',').map((part) => part.trim())
  return parts.filter((part) => part !== '')
}

function portNumber(text: string): number {
  const port = wholeNumber('push-port', text)
  if (port < 1 || port > 65535) throw new WrongFlag(`--push-port: '${text}' is no port`)
  return port
}
