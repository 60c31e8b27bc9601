import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RigImage } from '../rig/kubelet/images.ts'
import { partFolder } from '../rig/part-folder.ts'
import type { WeirOnRig } from './weir-on-rig.ts'

/** The Gemini document's collector: its chart, its values, its release (test/documents/README.md, substitution 7). */
const DOCUMENTS = join(import.meta.dirname, '../documents')
const RELEASE = 'opentelemetry-collector-traces'
const NAMESPACE = 'telemetry'
const CONTAINER = 'opentelemetry-collector'

/** The image that the document names. */
export const COLLECTOR_IMAGE = 'otel/opentelemetry-collector-contrib'

/** What the rig runs for {@link COLLECTOR_IMAGE}: the collector that it has built. */
export function collectorImage(): RigImage {
  return {
    entrypoint: ['/otelcol-contrib'],
    user: 10001,
    mounts: { '/otelcol-contrib': join(partFolder('otelcol'), 'otelcol') },
  }
}

/** A span as the collector's debug exporter prints it (verbosity detailed). */
export interface PrintedSpan {
  readonly traceId: string
  readonly parentId: string
  readonly spanId: string
  readonly name: string
  readonly kind: string
  readonly statusCode: string
  /** `key: Type(value)`, in order. */
  readonly attributes: readonly string[]
}

/** Runs the document's first command. */
export async function installCollector({ controlPlane }: WeirOnRig): Promise<void> {
  await controlPlane.helm(
    [
      ...['upgrade', '--install', RELEASE, join(DOCUMENTS, 'opentelemetry-collector')],
      ...['--version', '0.127.2', '--set', 'mode=deployment', '--set', `image.repository=${COLLECTOR_IMAGE}`],
      ...['--set', 'command.name=otelcol-contrib', `--namespace=${NAMESPACE}`, '--create-namespace', '-f', '-'],
    ],
    { stdin: readFileSync(join(DOCUMENTS, 'collector-values.yaml'), 'utf8') },
  )
}

/** As the document's cleanup has it. */
export async function uninstallCollector({ controlPlane }: WeirOnRig): Promise<void> {
  await controlPlane.helm(['uninstall', RELEASE, '-n', NAMESPACE])
}

/** The spans in what the collector has printed. */
export function spansIn(log: string): readonly PrintedSpan[] {
  return log
    .split(/^Span #\d+$/m)
    .slice(1)
    .map(printedSpan)
}

function printedSpan(text: string): PrintedSpan {
  const field = (name: string): string => new RegExp(`^ {4}${name} *: ?(.*)$`, 'm').exec(text)?.[1] ?? ''
  const attributes = text.slice(text.indexOf('\nAttributes:\n') + '\nAttributes:\n'.length)
  return {
    traceId: field('Trace ID'),
    parentId: field('Parent ID'),
    spanId: field('ID'),
    name: field('Name'),
    kind: field('Kind'),
    statusCode: field('Status code'),
    attributes: [...attributes.matchAll(/^ {5}-> (.*)$/gm)].map((match) => match[1] as string),
  }
}

/** What the document's last command prints. */
export async function collectorLog({ kubectl }: WeirOnRig): Promise<string> {
  return kubectl('logs', `deploy/${RELEASE}`, '-n', NAMESPACE)
}

/** Reads spans from everything that the collector has printed, however much that is. */
export interface CollectedSpans {
  all(): readonly PrintedSpan[]
  /** Whether this text is in what was printed last. */
  recently(text: string): boolean
}

/** About two hundred spans. */
const RECENT_BYTES = 400_000

/** The spans of the collector that runs now. */
export async function collectedSpans(cluster: WeirOnRig): Promise<CollectedSpans> {
  const pod = await cluster.kubectl('get', 'pods', '-n', NAMESPACE, '-o', 'jsonpath={.items[0].metadata.name}')
  const name = { namespace: NAMESPACE, pod, container: CONTAINER }
  return {
    all: () => spansIn(cluster.logOf(name)),
    recently: (text) => cluster.logOf(name, RECENT_BYTES).includes(text),
  }
}
