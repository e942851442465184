import type { Reply } from './client.js'
import type { Encoding, Stored } from './encodings.js'
import { encoder, utf8, type ResponseReader } from './frame.js'
import type { Key } from './keys.js'

/** A part of the engine's memory budget, which the page takes beside it. */
const SHARE = 1 / 16

/** What is taken for an entry besides its bytes. */
const ENTRY_SIZE = 128

/** The most bytes that a character may take. */
const CHARACTER_SIZE = 3

/** Answers in a larger frame are not kept: each might keep all of it alive, and there are many. */
const LARGEST_FRAME = 4 << 10

/** Reads that are asked with so many bytes of others are answered in a larger frame. */
const LARGEST_REQUEST = 2 << 10

/** Of so many answers, some two milliseconds of them, one is asked of the engine all the same. */
const IN_A_ROW = 1024

/**
 * The values that were read or put last, kept beside the engine: reading one again takes a hundredth
 * of the time where that is a message away, and a tenth in its own thread. Everything that may change
 * a value passes by here before it leaves.
 *
 *  1. A value that was read is kept only if, since it was asked for, no write of its key was: `ask`
 *     enters what the answer will fill, and a write removes it.
 *  2. When anything fails, all is forgotten: what was put or read may be of a write that failed.
 *  3. What is kept is not shared: objects and bytes are made anew for each read.
 *  4. A loop over reads that are all answered here would let the thread get to nothing else, so
 *     that now and then one goes to the engine.
 *  5. An entry is charged with the frame that brought it, which its text may keep alive.
 *  6. What is asked or put together with much else is not kept: it would drive all else out.
 *
 * It relies on all writes to the store being this client's.
 *
 * @internal
 */
export class Recent<V> {
  readonly #entries = new Map<string, RecentValue<V>>() // the least recently used first
  readonly #encoding: Encoding<V>
  readonly #capacity: number
  readonly #rest: () => void
  #size = 0
  #answers = 0

  /** `rest` is called before one is asked of the engine for the sake of other events. */
  constructor(encoding: Encoding<V>, memoryBudget: number, rest: () => void) {
    this.#encoding = encoding
    this.#capacity = memoryBudget * SHARE
    this.#rest = rest
  }

  /** The value of `key`, if it is kept. */
  find(key: Key): RecentValue<V> | undefined {
    const entry = this.#entries.get(key as string)
    if (!entry?.kept) return undefined
    if (++this.#answers % IN_A_ROW === 0) {
      this.#rest()
      return undefined
    }
    this.#entries.delete(entry.key)
    this.#entries.set(entry.key, entry)
    return entry
  }

  /**
   * Returns the reply to a read of `key`, which will be kept. `beside`: how much was asked just
   * before; `length`: of what is stored, if that is known.
   */
  ask(key: Key, beside: number, length = 0): RecentValue<V> | undefined {
    if (typeof key !== 'string' || beside > LARGEST_REQUEST) return undefined
    this.#remove(key)
    // Engines cut text without copying it: of a key that was cut from a page, the page would be kept.
    const own = ` ${key}`.slice(1)
    const entry = new RecentValue(own, this.#encoding, this)
    this.#entries.set(own, entry)
    this.#charge(entry, ENTRY_SIZE + CHARACTER_SIZE * (key.length + length))
    return entry
  }

  /** Keeps what is being put, as it is stored. `beside`: as for `ask`. */
  put(key: Key, stored: string, beside: number): void {
    if (stored.length <= LARGEST_FRAME) this.ask(key, beside, stored.length)?.fill(stored)
  }

  /** Forgets a key that is about to be written. Bytes may be any key's. */
  forget(key: Key): void {
    if (typeof key === 'string') this.#remove(key)
    else this.clear()
  }

  clear(): void {
    this.#entries.clear()
    this.#size = 0
  }

  /** Keeps an entry that was answered, unless it is not to be. @returns whether it does */
  keep(entry: RecentValue<V>, frameLength: number): boolean {
    if (this.#entries.get(entry.key) !== entry) return false
    if (frameLength > LARGEST_FRAME) {
      this.#remove(entry.key)
      return false
    }
    this.#charge(entry, 2 * frameLength)
    return true
  }

  #charge(entry: RecentValue<V>, size: number): void {
    entry.size += size
    this.#size += size
    if (this.#size <= this.#capacity) return
    for (const oldest of this.#entries.keys()) {
      this.#remove(oldest)
      if (this.#size <= this.#capacity) return
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#size -= entry.size
  }
}

/** A value that was asked for, and the reply to that; then, where it is stored. @internal */
export class RecentValue<V> implements Reply<V | undefined>, Stored {
  readonly key: string
  size = 0
  kept = false
  absent = false
  readonly #encoding: Encoding<V>
  readonly #recent: Recent<V>
  #value: V | undefined
  #bytes: Uint8Array | undefined // if the value itself is not kept

  constructor(key: string, encoding: Encoding<V>, recent: Recent<V>) {
    this.key = key
    this.#encoding = encoding
    this.#recent = recent
  }

  read(response: ResponseReader): V | undefined {
    const value = response.absent ? undefined : this.#encoding.decode(response)
    if (!this.#recent.keep(this, response.frameLength)) return value
    if (isObject(value)) this.#bytes = response.valueBytes().slice() // fails if a codec has transferred them
    else this.#value = value
    this.kept = true
    this.absent = response.absent
    return value
  }

  /** Keeps what is stored, which is not known to be given back as it was put. */
  fill(stored: string): void {
    this.kept = true
    this.#bytes = encoder.encode(stored)
  }

  /** Gives the value once more. */
  again(): V | undefined {
    return this.#bytes ? this.#encoding.decode(this) : this.#value
  }

  firstByte(): number | undefined {
    return this.#bytes![0]
  }

  valueBytes(skip = 0): Uint8Array {
    return this.#bytes!.slice(skip)
  }

  valueText(skip = 0): string {
    return utf8.decode(this.#bytes!.subarray(skip))
  }
}

function isObject(value: unknown): boolean {
  return Object(value) === value
}
