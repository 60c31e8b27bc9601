import { rule, type Schema } from '../schema.ts'
import { nullsAreEmpty } from './names.ts'

/** Secret, ConfigMap and Namespace. */

const dataKeys = {
  keyPattern: '^(?!\\.$|\\.\\.)[-._a-zA-Z0-9]{1,253}$',
  keyMeaning: "letters, digits, '-', '_' and '.', at most 253, neither '.' alone nor '..' at the front",
} as const

function dataMap(values: Schema): Schema {
  return nullsAreEmpty({ type: 'object', ...dataKeys, additionalProperties: values })
}

/** An API server's limit for the values of one Secret or ConfigMap together, decoded. */
const MAX_DATA_BYTES = 1024 * 1024

interface DataHolder {
  readonly type?: string
  readonly data?: { readonly [key: string]: string }
  readonly stringData?: { readonly [key: string]: string }
  readonly binaryData?: { readonly [key: string]: string }
}

type Texts = Exclude<DataHolder['data'], undefined>

function bytesOf(values: Texts = {}, encoding?: 'base64'): number {
  return Object.values(values).reduce((sum, value) => sum + Buffer.byteLength(value, encoding), 0)
}

/** `stringData` replaces what `data` has under the same key. */
function secretBytes({ data = {}, stringData = {} }: DataHolder): number {
  const replaced = Object.entries(data).filter(([key]) => !Object.hasOwn(stringData, key))
  return bytesOf(Object.fromEntries(replaced), 'base64') + bytesOf(stringData)
}

const base64: Schema = {
  type: 'string',
  rules: [rule<string>('is not base64', isBase64, { advice: "'stringData' takes plain text" })],
}

/** Line ends are allowed anywhere, as Go's decoder has it. */
function isBase64(text: string): boolean {
  const digits = text.replaceAll(/[\r\n]/g, '')
  return digits.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(digits)
}

export const secret: Schema = {
  properties: {
    type: { type: 'string', default: 'Opaque', emptyMeansAbsent: true },
    immutable: { type: 'boolean' },
    data: dataMap(base64),
    stringData: dataMap({ type: 'string' }),
  },
  rules: [
    rule<DataHolder>(
      "needs the keys 'tls.crt' and 'tls.key' when the type is kubernetes.io/tls",
      ({ type, data, stringData }) =>
        type !== 'kubernetes.io/tls' ||
        ['tls.crt', 'tls.key'].every((key) => data?.[key] !== undefined || stringData?.[key] !== undefined),
      { fieldPath: ['data'] },
    ),
    rule<DataHolder>('holds more than 1 MiB', (self) => secretBytes(self) <= MAX_DATA_BYTES, { fieldPath: ['data'] }),
  ],
}

export const configMap: Schema = {
  properties: {
    immutable: { type: 'boolean' },
    data: dataMap({ type: 'string' }),
    binaryData: dataMap(base64),
  },
  rules: [
    rule<DataHolder>(
      "has a key that is in 'data' too",
      ({ data = {}, binaryData = {} }) => Object.keys(binaryData).every((key) => !Object.hasOwn(data, key)),
      { fieldPath: ['binaryData'] },
    ),
    rule<DataHolder>(
      'holds more than 1 MiB',
      ({ data, binaryData }) => bytesOf(data) + bytesOf(binaryData, 'base64') <= MAX_DATA_BYTES,
      { fieldPath: ['data'] },
    ),
  ],
}

export const namespace: Schema = {
  properties: { spec: { type: 'object', properties: { finalizers: { type: 'array', items: { type: 'string' } } } } },
}
