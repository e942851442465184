import { refusal, requireObject } from './arguments.js'
import { invalid } from './errors.js'
import { checkBound, compareBytes, keyToBytes, type Key } from './keys.js'
import type { WriteOptions } from './options.js'

/**
 * Which keys: those from `gt` or `gte` to `lt` or `lte`, or those that begin with `prefix`.
 * Without any of these, all keys.
 */
export interface KeyRange {
  /** Only keys behind this one. */
  gt?: Key | undefined
  /** Only this key and those behind it. */
  gte?: Key | undefined
  /** Only keys before this one. */
  lt?: Key | undefined
  /** Only this key and those before it. */
  lte?: Key | undefined
  /** Only keys that begin with this. It goes with none of the others. */
  prefix?: Key | undefined
}

/** A range as the engine takes it: from lower up to, not including, upper. @internal */
export interface Bounds {
  lower: Uint8Array
  upper: Uint8Array | undefined
}

const EMPTY = new Uint8Array(0)

/** @internal */
export function boundsOf(range: KeyRange): Bounds {
  requireObject(range, 'The range', ', such as { prefix }')
  const { gt, gte, lt, lte, prefix } = range
  if (gt !== undefined && gte !== undefined) throw invalid('The range has both gt and gte; give one of them.')
  if (lt !== undefined && lte !== undefined) throw invalid('The range has both lt and lte; give one of them.')
  // Not ??: null is no missing bound, but a mistake that would take in everything.
  const start = gt === undefined ? gte : gt
  const end = lt === undefined ? lte : lt
  if (prefix !== undefined) {
    if (start !== undefined || end !== undefined) {
      throw invalid('The range has a prefix and a bound; give the bounds alone.')
    }
    const lower = keyToBytes(checkBound(prefix, 'prefix'))
    return { lower, upper: endOfPrefix(lower) }
  }
  const low = start === undefined ? EMPTY : keyToBytes(checkBound(start, 'lower bound'))
  const high = end === undefined ? undefined : keyToBytes(checkBound(end, 'upper bound'))
  if (high !== undefined && compareBytes(low, high) > 0) {
    throw invalid('The lower bound lies behind the upper one; swap them, and set reverse to go downwards.')
  }
  const upper = lte !== undefined ? successor(high!) : high
  const lower = gt !== undefined ? successor(low) : low
  // Between a key and itself there is nothing: gt and lt of one key must not cross.
  return upper !== undefined && compareBytes(lower, upper) > 0 ? { lower: upper, upper } : { lower, upper }
}

/**
 * The bounds of what is to be removed. A range that takes in everything, though it seems to have
 * bounds, is refused. @internal
 */
export function boundsToClear(range: KeyRange & WriteOptions): Bounds {
  const bounds = boundsOf(range)
  const { durability: _, ...named } = range
  for (const name in named) {
    if (!/^([gl]te?|prefix)$/.test(name)) throw refusal('A bound of the range', name, 'has to be gt, gte, lt, lte or prefix')
  }
  const values = Object.values(named)
  if (values.length > 0 && values.every((value) => value === undefined)) {
    throw refusal('Every bound of the range', undefined, 'has to be left out if all keys are meant')
  }
  return bounds
}

/** The first key behind `key`. @internal */
export function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1)
  next.set(key)
  return next
}

/** The first key behind all that begin with `prefix`; undefined if there is none. */
function endOfPrefix(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  const end = prefix.slice(0, length)
  end[length - 1]!++
  return end
}
