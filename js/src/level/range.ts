import { compareBytes, keyToBytes, type Key } from '../keys.js'
import { boundsOf, successor, type Bounds, type KeyRange } from '../range.js'
import { checkedKey, stored } from './data.js'

/** A range as Level gives it to implementations, with keys encoded. @internal */
export interface LevelRange {
  gt?: Key
  gte?: Key
  lt?: Key
  lte?: Key
}

const NOTHING = new Uint8Array(0)
/** Bounds between which there is nothing. @internal */
export const NOWHERE: Bounds = { lower: NOTHING, upper: NOTHING }

/** The range as a store takes it; undefined if its bounds cross. It fails if a bound can be no key. @internal */
export function rangeOf({ gt, gte, lt, lte }: LevelRange): KeyRange | undefined {
  const range: KeyRange = {}
  // Level takes both bounds of a side; gte and lte are those that count.
  const lower = gte ?? gt
  const upper = lte ?? lt
  if (lower !== undefined) range[gte === undefined ? 'gt' : 'gte'] = checkedKey(lower)
  if (upper !== undefined) range[lte === undefined ? 'lt' : 'lte'] = checkedKey(upper)
  const crossed = lower !== undefined && upper !== undefined && compareBytes(bytesOf(lower), bytesOf(upper)) > 0
  return crossed ? undefined : range
}

/** The bounds of what an iterator shows. @internal */
export function iteratorBounds(options: LevelRange): Bounds {
  const range = rangeOf(options)
  return range === undefined ? NOWHERE : boundsOf(range)
}

/** What is left of it for an iterator that goes to `target`. @internal */
export function boundsFrom({ lower, upper }: Bounds, target: Key, reverse: boolean): Bounds {
  const key = bytesOf(target)
  const inside = compareBytes(lower, key) <= 0 && (upper === undefined || compareBytes(key, upper) < 0)
  if (!inside) return NOWHERE
  return reverse ? { lower, upper: successor(key) } : { lower: key, upper }
}

function bytesOf(key: Key): Uint8Array {
  return keyToBytes(stored(key))
}
