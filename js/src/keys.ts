import { kindOf } from './arguments.js'
import { invalid } from './errors.js'
import { encoder } from './frame.js'

/**
 * A key: text, which orders as its UTF-8 bytes do, or the bytes themselves. It has 1 byte to
 * 64 KiB.
 */
export type Key = string | Uint8Array

/** How keys are given back: as text (`utf8`) or as bytes (`view`). Either may be passed in. */
export type KeyEncoding = 'utf8' | 'view'

/** @internal */
export const MAX_KEY_LENGTH = 64 << 10

const loneSurrogate = /\p{Surrogate}/u

/** @internal */
export function isWellFormed(text: string): boolean {
  const native = (text as { isWellFormed?: () => boolean }).isWellFormed
  return native ? native.call(text) : !loneSurrogate.test(text)
}

/** Tells the number of bytes, counting only as far as is needed to see that there are more than `most`. @internal */
export function exceeds(text: string, most: number): boolean {
  if (text.length > most) return true
  if (text.length * 3 <= most) return false
  return encoder.encodeInto(text, new Uint8Array(most)).read < text.length
}

/** Returns the key if it can be one. @internal */
export function checkKey(key: Key): Key {
  checkBound(key, 'key')
  if (key.length === 0) throw invalid('The key is empty; a key has at least one byte.')
  return key
}

/** Returns the end of a range if it can be one: a key, or empty. @internal */
export function checkBound(key: Key, what: string): Key {
  if (typeof key === 'string') {
    if (!isWellFormed(key)) {
      throw invalid(`The ${what} has half of a surrogate pair, which has no UTF-8 form; pass a Uint8Array instead.`)
    }
    if (exceeds(key, MAX_KEY_LENGTH)) throw tooLong(what)
  } else if (!(key instanceof Uint8Array)) {
    throw invalid(`The ${what} is ${kindOf(key)}; a key is a string or a Uint8Array.`)
  } else if (key.length > MAX_KEY_LENGTH) {
    throw tooLong(what)
  }
  return key
}

function tooLong(what: string): Error {
  return invalid(`The ${what} has more than ${MAX_KEY_LENGTH} bytes, the most that a key can have.`)
}

/** @internal */
export function keyToBytes(key: Key): Uint8Array {
  return typeof key === 'string' ? encoder.encode(key) : new Uint8Array(key)
}

/** Orders bytes as the engine does. @internal */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!
  }
  return a.length - b.length
}
