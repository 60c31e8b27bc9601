/** The way from an object to one of its fields: names of fields and indexes of list items. */
export type FieldPath = readonly (string | number)[]

const PLAIN_NAME = /^[A-Za-z_][\w-]*$/

/** Writes a path as problems show it: `spec.rules[0].name`, `data["config.yaml"]`. */
export function formatFieldPath(path: FieldPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    if (!PLAIN_NAME.test(step)) return `${text}[${JSON.stringify(step)}]`
    return text === '' ? step : `${text}.${step}`
  }, '')
}

/**
 * Reads what {@link formatFieldPath} writes, and is lenient with the rest: a name may hold anything but `.` and `[`, and
 * what cannot be read any further is taken as a name.
 */
export function parseFieldPath(text: string): FieldPath {
  const path: (string | number)[] = []
  const steps = /\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\['([^']*)'\]|([^.[]+)|\./gy
  for (let match = steps.exec(text); match !== null; match = steps.exec(text)) {
    const [, index, quoted, single, name] = match
    if (index !== undefined) path.push(Number(index))
    else if (quoted !== undefined) path.push(JSON.parse(`"${quoted}"`) as string)
    else if (single !== undefined) path.push(single)
    else if (name !== undefined) path.push(name)
  }
  return path
}
