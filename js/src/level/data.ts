import { encodeValue, encodingOf, type Codec } from '../encodings.js'
import { VarveError } from '../errors.js'
import { checkKey, type Key } from '../keys.js'
import { LevelError } from './errors.js'

/**
 * Returns the key under which a key of Level is stored.
 *
 * Level has an empty key, and a store has none. So keys that are nothing but zeros, as the empty
 * one is, are stored with one zero more. They come before all others, and that keeps their
 * order; all other keys are stored as they are.
 *
 * @internal
 */
export function stored(key: Key): Key {
  if (!onlyZeros(key)) return key
  return typeof key === 'string' ? `${key}\0` : new Uint8Array(key.length + 1)
}

/** Returns the key that is stored as this one. @internal */
export function unstored<K extends Key>(key: K): K {
  if (!onlyZeros(key)) return key
  return (typeof key === 'string' ? key.slice(1) : key.subarray(1)) as K
}

function onlyZeros(key: Key): boolean {
  for (let i = 0; i < key.length; i++) {
    if ((typeof key === 'string' ? key.charCodeAt(i) : key[i]) !== 0) return false
  }
  return true
}

/** Level has encoded what is stored. @internal */
export const codec: Codec<Key> = { encode: (value) => value, decode: (bytes) => bytes }

const encoding = encodingOf(codec)

/** Returns the key under which a key is stored, if it can be. @internal */
export function checkedKey(key: Key): Key {
  try {
    return checkKey(stored(key))
  } catch (error) {
    throw named(error, 'LEVEL_INVALID_KEY')
  }
}

/** Returns the value if it can be stored. @internal */
export function checkedValue(value: Key): Key {
  try {
    return encodeValue(encoding, value)
  } catch (error) {
    throw named(error, 'LEVEL_INVALID_VALUE')
  }
}

function named(error: unknown, code: string): unknown {
  return error instanceof VarveError ? new LevelError(code, error.message, error) : error
}
