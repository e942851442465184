import { kindOf, refusal } from './arguments.js'
import { VarveError, invalid } from './errors.js'
import type { ResponseReader } from './frame.js'
import { exceeds, isWellFormed, type Key, type KeyEncoding } from './keys.js'

/**
 * A value encoding of your own. `encode` gives text or bytes, which are copied; `decode` gets the
 * bytes, which it may keep, but must not change or transfer.
 *
 * ```ts
 * const dates: Codec<Date> = {
 *   encode: (date) => date.toISOString(),
 *   decode: (bytes) => new Date(new TextDecoder().decode(bytes)),
 * }
 * ```
 */
export interface Codec<V> {
  /** Gives what is stored. If it throws, the write is refused as `INVALID_ARGUMENT`. */
  encode(value: V): string | Uint8Array
  /** Gives the value back. If it throws, the read fails with `INVALID_ARGUMENT`. */
  decode(bytes: Uint8Array): V
}

/**
 * How values are stored.
 *
 * - `any` (the default): strings, `Uint8Array`s, and whatever JSON can hold, given back as put; but
 *   `-0` comes back as `0`. A property that is undefined is left out, and so are those that JSON does
 *   not see: of symbols, and of arrays besides their elements. What would come back as something else is refused:
 *   functions, symbols, bigints, NaN, Map, Set, Date, instances of classes, cycles, and bytes other
 *   than a `Uint8Array`: of an `ArrayBuffer` or another view, store `new Uint8Array(…)`.
 * - `utf8`: strings.
 * - `json`: what `JSON.stringify` takes, given back by `JSON.parse`.
 * - `view`: `Uint8Array`s.
 * - a {@link Codec}.
 */
export type ValueEncoding<V = unknown> =
  | 'any'
  | 'json'
  | Codec<V>
  | (string extends V ? 'utf8' : [V] extends [string] ? 'utf8' : never)
  | (Uint8Array extends V ? 'view' : [V] extends [Uint8Array] ? 'view' : never)

/** Where the stored bytes of a value are read from. @internal */
export interface Stored {
  /** Undefined if there is none. */
  firstByte(): number | undefined
  /** The reader may keep them. */
  valueBytes(skip?: number): Uint8Array
  /** @throws TypeError if they are not UTF-8. */
  valueText(skip?: number): string
}

/** An encoding as the store uses it. The stored bytes are tag and then data. @internal */
export interface Encoding<V> {
  /** The text in front of what `encode` gives. */
  tag(value: V): string
  encode(value: V): string | Uint8Array
  decode(stored: Stored): V
}

const MAX_VALUE_LENGTH = 64 << 20

/** Encodes a value, or says why it can't be. @internal */
export function encodeValue<V>(encoding: Encoding<V>, value: V): string | Uint8Array {
  const data = encoding.encode(value)
  const most = MAX_VALUE_LENGTH - encoding.tag(value).length
  if (typeof data === 'string' ? exceeds(data, most) : data.length > most) {
    throw invalid(`The value has more than ${most} bytes, the most that is stored.`)
  }
  if (data.length === 0) requireBytes(data)
  return data
}

/** Refuses bytes that are not empty, but gone. */
function requireBytes(empty: string | Uint8Array): void {
  try {
    new Uint8Array(empty as Uint8Array)
  } catch (cause) {
    throw invalid('The bytes are gone: their buffer was transferred or shrunk. Store a copy of them.', cause)
  }
}

/** @internal */
export function encodingOf<V>(encoding: ValueEncoding<V>): Encoding<V> {
  if (typeof encoding === 'string') {
    if (Object.hasOwn(encodings, encoding)) return encodings[encoding] as Encoding<V>
  } else if (typeof encoding?.encode === 'function' && typeof encoding.decode === 'function') {
    return custom(encoding)
  }
  throw refusal('valueEncoding', encoding, 'is any, utf8, json, view, or { encode, decode }')
}

/** @internal */
export function keyDecoder(encoding: KeyEncoding): (response: ResponseReader) => Key {
  switch (encoding) {
    case 'utf8':
      return (response) => {
        try {
          return response.keyText()
        } catch (cause) {
          throw notText('key', cause)
        }
      }
    case 'view':
      return (response) => response.keyBytes()
  }
  throw refusal('keyEncoding', encoding, 'is utf8 or view')
}

const noTag = (): string => ''

const TAG = { bytes: '\0', text: '\x01', json: '\x02' } as const

const encodings: Record<'any' | 'utf8' | 'json' | 'view', Encoding<unknown>> = {
  any: {
    tag(value) {
      if (typeof value === 'string') return TAG.text
      return value instanceof Uint8Array ? TAG.bytes : TAG.json
    },
    encode(value) {
      if (typeof value === 'string') return checkText(value)
      if (value instanceof Uint8Array) return value
      return plainJSON(value)
    },
    decode(stored) {
      switch (stored.firstByte()) {
        case 0:
          return stored.valueBytes(1)
        case 1:
          return valueText(stored, 1)
        case 2:
          return parse(stored, 1)
      }
      throw unreadable('value', 'any')
    },
  },
  utf8: {
    tag: noTag,
    encode(value) {
      if (typeof value !== 'string') throw refused(value, [], 'valueEncoding utf8 takes strings')
      return checkText(value)
    },
    decode: (stored) => valueText(stored, 0),
  },
  json: {
    tag: noTag,
    encode(value) {
      const json = stringify(value)
      if (json === undefined) throw refused(value, [], 'JSON has no form for it')
      return json
    },
    decode: (stored) => parse(stored, 0),
  },
  view: {
    tag: noTag,
    encode(value) {
      if (!(value instanceof Uint8Array)) throw refused(value, [], 'valueEncoding view takes Uint8Arrays')
      return value
    },
    decode: (stored) => stored.valueBytes(),
  },
}

function custom<V>(codec: Codec<V>): Encoding<V> {
  return {
    tag: noTag,
    encode(value) {
      let data: unknown
      try {
        data = codec.encode(value)
      } catch (cause) {
        throw invalid('The codec could not encode the value.', cause)
      }
      if (typeof data === 'string') return checkText(data)
      // The codec may use its memory for the next value of a batch.
      if (data instanceof Uint8Array) return new Uint8Array(data)
      throw invalid(`The codec's encode returned ${kindOf(data)}; it has to return a string or a Uint8Array.`)
    },
    decode(stored) {
      try {
        return codec.decode(stored.valueBytes())
      } catch (cause) {
        throw invalid('The codec could not decode the stored value.', cause)
      }
    },
  }
}

function checkText(value: string): string {
  if (!isWellFormed(value)) {
    throw invalid('The value has half of a surrogate pair, which has no UTF-8 form; store it as JSON or as a Uint8Array.')
  }
  return value
}

function valueText(stored: Stored, skip: number): string {
  try {
    return stored.valueText(skip)
  } catch (cause) {
    throw notText('value', cause)
  }
}

function notText(what: string, cause: unknown): VarveError {
  return invalid(`A stored ${what} is not UTF-8; open the store with ${what}Encoding 'view' to read it.`, cause)
}

function parse(stored: Stored, skip: number): unknown {
  try {
    return JSON.parse(stored.valueText(skip)) as unknown
  } catch {
    throw unreadable('value', 'json')
  }
}

function unreadable(what: string, encoding: string): VarveError {
  return invalid(`A stored ${what} was not written with valueEncoding '${encoding}'; open the store with the one that wrote it.`)
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
    throw invalid(`The value has no JSON form: ${reason}.`, cause)
  }
}

function plainJSON(value: unknown): string {
  try {
    checkPlain(value, [], [])
  } catch (error) {
    if (error instanceof RangeError) throw invalid('The value is nested too deeply to be stored.', error)
    throw error
  }
  return stringify(value)!
}

/** Names and places that lead to a value. */
type Path = (string | number)[]

/** Refuses what JSON would not give back as it is. `path` and `ancestors` are used as stacks. */
function checkPlain(value: unknown, path: Path, ancestors: object[]): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return
    case 'number':
      if (Number.isFinite(value)) return
      throw refused(value, path, 'JSON has no form for it; store it as a string')
    case 'object':
      if (value !== null) checkObject(value, path, ancestors)
      return
    case 'bigint':
      throw refused(value, path, 'JSON has no form for it; store it as a string')
  }
  throw refused(value, path, value === undefined ? 'use null, or del to remove a key' : 'it can’t be stored')
}

function checkObject(value: object, path: Path, ancestors: object[]): void {
  if (ancestors.includes(value)) throw invalid(`The value at ${inWords(path)} contains itself; JSON can’t hold a cycle.`)
  ancestors.push(value)
  if ('toJSON' in value) throw refused(value, path, adviceFor(value))
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) checkMember(value[i], i, path, ancestors)
  } else {
    const prototype = Object.getPrototypeOf(value) as object | null
    // Object.prototype of another realm is as good as ours.
    const plain = prototype === null || Object.getPrototypeOf(prototype) === null
    if (!plain) throw refused(value, path, adviceFor(value))
    for (const name of Object.keys(value)) {
      const property = (value as Record<string, unknown>)[name]
      if (property !== undefined) checkMember(property, name, path, ancestors)
    }
  }
  ancestors.pop()
}

function checkMember(member: unknown, name: string | number, path: Path, ancestors: object[]): void {
  path.push(name)
  checkPlain(member, path, ancestors)
  path.pop()
}

function inWords(path: Path): string {
  return path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')
}

function adviceFor(value: object): string {
  if (value instanceof Date) return 'store its toISOString(), or use valueEncoding json'
  if (value instanceof Map || value instanceof Set) return 'store Array.from() of it'
  if (value instanceof Uint8Array) return 'bytes are stored as a value of their own, not within another'
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return 'store a Uint8Array of its bytes'
  return 'it would come back as a plain object; store one, or use valueEncoding json or a codec'
}

function refused(value: unknown, path: Path, advice: string): VarveError {
  const what = typeof value === 'number' && !Number.isFinite(value) ? String(value) : kindOf(value)
  return invalid(`The value${path.length === 0 ? '' : ` at ${inWords(path)}`} is ${what}: ${advice}.`)
}
