import { spawn } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import type { ExportCounts } from '../../dataplane/telemetry/otlp/export-counts.ts'
import type { ConnectTo } from '../../runtime/connect-to.ts'
import { type ExporterKeys, type LogLine, startExporterRig } from './otlp-rig.ts'
import { sampleSpan } from './otlp-spans.ts'

/**
 * Exports one span by each of several exporters in a process of its own: what a process trusts (`NODE_EXTRA_CA_CERTS`)
 * is read when it starts.
 */
export interface ExportOrder {
  readonly exporters: readonly (ExporterKeys & { readonly name: string })[]
  readonly connectTo: readonly ConnectTo[]
}

export interface ExportReport {
  /** By exporter. */
  readonly counts: { readonly [name: string]: ExportCounts }
  readonly lines: readonly LogLine[]
}

export async function exportInProcess(order: ExportOrder, env: { [name: string]: string }): Promise<ExportReport> {
  const child = spawn(process.execPath, [import.meta.filename, JSON.stringify(order)], {
    env: { PATH: process.env['PATH'], ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`the exporting process failed: ${stderr}`)
  return JSON.parse(stdout) as ExportReport
}

async function main(order: ExportOrder): Promise<void> {
  const rig = startExporterRig({ connectTo: order.connectTo })
  for (const keys of order.exporters) rig.exporter(keys).record([sampleSpan()])
  await rig.pool.flush()
  process.stdout.write(JSON.stringify({ counts: Object.fromEntries(rig.pool.counts()), lines: rig.lines }))
  await rig.pool.close(0)
}

if (isMainThread && import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await main(JSON.parse(process.argv[2] as string) as ExportOrder)
