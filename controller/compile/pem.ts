import { X509Certificate } from 'node:crypto'

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/**
 * The certificates in a PEM text, one block after the other, without what stands around them.
 * @returns undefined when there is none, or one that does not parse
 */
export function certificatesIn(pem: string): string | undefined {
  const blocks = pem.match(BLOCK)
  if (blocks === null) return undefined
  try {
    for (const block of blocks) new X509Certificate(block)
  } catch {
    return undefined
  }
  return `${blocks.join('\n')}\n`
}
