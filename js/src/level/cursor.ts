import type { ResponseReader } from '../frame.js'
import type { Key } from '../keys.js'
import type { Bounds } from '../range.js'
import { openScan, type Scan } from '../scan.js'
import { Snapshot } from '../snapshot.js'
import { levelError } from './errors.js'
import type { Readers } from './formats.js'
import { NOWHERE, boundsFrom, iteratorBounds, type LevelRange } from './range.js'
import { release, type Handle, type LevelSnapshot } from './snapshot.js'

/** Bytes asked for by a first `next`, which is often the only one, as behind a seek. */
const FOR_ONE = 1 << 10

/** What Level gives to an implementation that makes an iterator. @internal */
export interface CursorOptions extends LevelRange {
  reverse: boolean
  signal?: AbortSignal
  snapshot?: LevelSnapshot
}

/** How far an iterator has come. @internal */
export interface Progress {
  readonly count: number
  readonly limit: number
}

/**
 * The store's side of an iterator: scans of one snapshot, of which each seek begins a new one.
 * Nothing is read before it is asked for.
 *
 * @internal
 */
export class Cursor<T> {
  readonly #readers: Readers
  readonly #options: CursorOptions
  readonly #progress: Progress
  readonly #mode: number
  readonly #read: (response: ResponseReader) => T
  readonly #snapshot: Handle | undefined // of this cursor's own
  readonly #range: Bounds
  #rest: Bounds
  readonly #failure: unknown // of what was asked for
  #scan: Scan<T> | undefined

  constructor(
    readers: Readers,
    options: CursorOptions,
    progress: Progress,
    mode: number,
    read: (response: ResponseReader) => T,
  ) {
    this.#options = options
    this.#progress = progress
    this.#mode = mode
    this.#read = read
    let range = NOWHERE
    try {
      range = iteratorBounds(options)
    } catch (error) {
      // Level has taken hold of the iterator already, which has to be closed as any other.
      this.#failure = error
    }
    this.#range = this.#rest = range
    if (options.snapshot) {
      this.#readers = options.snapshot.readers
    } else {
      this.#readers = readers
      this.#snapshot = new Snapshot(readers.view.shared)
    }
  }

  async next(): Promise<T | undefined> {
    try {
      return (await this.#begun(FOR_ONE).next()).value
    } catch (error) {
      throw levelError(error)
    }
  }

  async nextv(size: number): Promise<T[]> {
    try {
      return await this.#begun().nextMany(size)
    } catch (error) {
      throw levelError(error)
    }
  }

  async all(): Promise<T[]> {
    try {
      return await this.#begun().toArray()
    } catch (error) {
      throw levelError(error)
    }
  }

  seek(target: Key): void {
    this.#rest = boundsFrom(this.#range, target, this.#options.reverse)
    void this.#scan?.close()
    this.#scan = undefined
  }

  async close(): Promise<void> {
    await this.#scan?.close()
    if (this.#snapshot) await release(this.#snapshot)
  }

  #begun(wanted?: number): Scan<T> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#scan) return this.#scan
    const { shared, handle } = this.#readers.view
    shared.client.check()
    const { reverse, signal } = this.#options
    const { limit, count } = this.#progress
    const options = { reverse, limit: limit - count, ...(signal && { signal }) }
    const snapshot = this.#snapshot?.handle ?? handle
    this.#scan = openScan(shared.client, shared.scans, snapshot, this.#rest, options, this.#mode, this.#read, wanted)
    return this.#scan
  }
}
