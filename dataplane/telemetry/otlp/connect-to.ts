/**
 * One `--connect-to`: what is meant for the first host and port goes to the second, with names and TLS names kept. As
 * with curl, what is left out on the first side matches any, on the second keeps what is meant.
 */
export interface ConnectTo {
  readonly fromHost: string | undefined
  readonly fromPort: number | undefined
  readonly toHost: string | undefined
  readonly toPort: number | undefined
}

/** Where to really connect for `host:port`: the first rule that fits says it. */
export function connectAddress(
  rules: readonly ConnectTo[],
  host: string,
  port: number,
): { readonly host: string; readonly port: number } {
  const name = host.toLowerCase()
  const rule = rules.find(
    ({ fromHost, fromPort }) =>
      (fromHost === undefined || fromHost.toLowerCase() === name) && (fromPort === undefined || fromPort === port),
  )
  return { host: rule?.toHost ?? host, port: rule?.toPort ?? port }
}
