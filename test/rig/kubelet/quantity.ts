const SUFFIXES: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
}

/** A Kubernetes quantity (`500m`, `64Mi`, `2`) as a number. Throws for what is none. */
export function parseQuantity(text: string): number {
  const [, digits, suffix = ''] = /^(\d+(?:\.\d+)?(?:e\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(text) ?? []
  if (digits === undefined) throw new Error(`'${text}' is not a quantity`)
  return Number(digits) * (SUFFIXES[suffix] as number)
}

/** A quantity counted in divisors, rounded up, as resourceFieldRef shows it. A divisor of 0 is the default, 1. */
export function countedIn(quantity: string, divisor: string | undefined): string {
  const unit = divisor === undefined || divisor === '0' ? 1 : parseQuantity(divisor)
  // Decimal fractions are not exact in binary: 0.1 / 0.001 must not become 101.
  return String(Math.ceil(Number((parseQuantity(quantity) / unit).toPrecision(12))))
}
