/** What became of the exchanges that one exporter should get, as `/metrics` says it. */
export interface ExportStates {
  readonly ended: number
  readonly queued: number
  readonly in_flight: number
  readonly spooled: number
  readonly sent: number
  readonly refused: number
  readonly dropped: number
}

/** Reads `weir_otlp_exchanges` of one exporter from a scrape; throws when a state of it is missing. */
export function exportStates(scrape: string, exporter: string): ExportStates {
  const of = (state: keyof ExportStates): number => {
    const labels = `exporter="${exporter}",state="${state}"`
    const line = scrape.split('\n').find((one) => one.startsWith(`weir_otlp_exchanges{${labels}} `))
    if (line === undefined) throw new Error(`no weir_otlp_exchanges{${labels}} in:\n${scrape}`)
    return Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  return {
    ended: of('ended'),
    queued: of('queued'),
    in_flight: of('in_flight'),
    spooled: of('spooled'),
    sent: of('sent'),
    refused: of('refused'),
    dropped: of('dropped'),
  }
}

/** Exchanges that are neither delivered nor given up. */
export function unsettled({ queued, in_flight, spooled }: ExportStates): number {
  return queued + in_flight + spooled
}
