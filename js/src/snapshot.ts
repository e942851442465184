import { done } from './client.js'
import { asyncDispose } from './dispose.js'
import { VarveError } from './errors.js'
import { Op } from './frame.js'
import type { Key } from './keys.js'
import { Reads, type Shared } from './reads.js'

/**
 * The store as it was when `store.snapshot()` was called. It must be closed: what it sees can't
 * be reclaimed before. Scans that were begun in it may outlive it.
 */
export class Snapshot<K extends Key = string, V = unknown> extends Reads<K, V> {
  #closed: Promise<void> | undefined

  /** @internal */
  constructor(shared: Shared<K, V>) {
    super(shared, shared.client.newHandle())
    // If this fails, so does every read.
    shared.client.call(Op.snapOpen, this.handle, done).catch(() => undefined)
  }

  /** Releases the snapshot, after the reads that were asked before. It may be called again. */
  close(): Promise<void> {
    const { client } = this.shared
    this.#closed ??= client.closed ? Promise.resolve() : client.call(Op.snapClose, this.handle, done)
    return this.#closed
  }

  /** Closes the snapshot at the end of an `await using` block. */
  [asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal */
  protected override check(): void {
    super.check()
    if (this.#closed) throw new VarveError('CLOSED', 'The snapshot has been closed.')
  }
}
