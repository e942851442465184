import { refusal, requireArray, requireObject } from './arguments.js'
import { done, type Client, type Reply } from './client.js'
import { asyncDispose } from './dispose.js'
import { encodeValue, encodingOf, keyDecoder } from './encodings.js'
import { invalid } from './errors.js'
import { Op, RequestFlag } from './frame.js'
import { checkKey, type Key } from './keys.js'
import { DEFAULT_BUDGET, durabilityCode, type OpenOptions, type WriteOptions } from './options.js'
import { boundsOf, boundsToClear, type Bounds, type KeyRange } from './range.js'
import { Reads, sharedBy } from './reads.js'
import { Recent } from './recent.js'
import { openExport } from './scan.js'
import { Snapshot } from './snapshot.js'
import { stats, verifyReport, type Stats, type VerifyReport } from './stats.js'

/** One write of a batch. */
export type BatchOperation<V = unknown> =
  | { type: 'put'; key: Key; value: V }
  | { type: 'del'; key: Key }

/**
 * An open store. `K` is how keys are given back, `V` the type of values.
 *
 * Calls take effect in the order in which they are made, without being awaited: a read sees
 * every write that was called before it, acknowledged or not.
 *
 * Calls made in the same tick travel together: a thousand `put`s at once cost little more than
 * one `batch` of them, though each is acknowledged or refused by itself.
 */
export class Store<K extends Key = string, V = unknown> extends Reads<K, V> {
  /** The name that the store was opened by. */
  readonly name: string

  /** @internal */
  constructor(name: string, client: Client, options: OpenOptions<V>) {
    const { valueEncoding = 'any', keyEncoding = 'utf8', memoryBudget = DEFAULT_BUDGET } = options
    const encoding = encodingOf(valueEncoding)
    const recent = new Recent(encoding, memoryBudget, () => client.rest())
    client.witness = recent
    super(sharedBy(client, encoding, keyDecoder(keyEncoding) as () => K, recent), 0)
    this.name = name
  }

  /**
   * Stores `value` under `key`.
   *
   * @throws {VarveError} `INVALID_ARGUMENT` if the key or the value can't be stored;
   *   `NO_SPACE`, `IO` if it could not be written, and then it is not there; `CLOSED`.
   */
  put(key: Key, value: V, options?: WriteOptions): Promise<void> {
    const { encoding, recent } = this.shared
    return this.#ask(done, (client) => {
      const beside = client.writer.size
      const durability = durabilityCode(options)
      checkKey(key)
      const tag = encoding.tag(value)
      const data = encodeValue(encoding, value)
      client.add(Op.put, 0, durability, 0, key, tag, data)
      if (typeof data === 'string') recent?.put(key, tag + data, beside)
    })
  }

  /**
   * Removes `key`. It is no error if there is none.
   *
   * @throws {VarveError} as `put`.
   */
  del(key: Key, options?: WriteOptions): Promise<void> {
    return this.#ask(done, (client) => client.add(Op.del, 0, durabilityCode(options), 0, checkKey(key)))
  }

  /**
   * Carries out many writes as one: after any failure, all of them are there or none is. Of
   * several writes to one key the last holds.
   *
   * ```ts
   * await store.batch([{ type: 'put', key, value }, { type: 'del', key: old }])
   * ```
   *
   * @throws {VarveError} as `put`; the message tells which operation was refused.
   */
  batch(operations: readonly BatchOperation<V>[], options?: WriteOptions): Promise<void> {
    const { encoding } = this.shared
    return this.#ask(done, (client) => {
      const durability = durabilityCode(options)
      requireArray(operations, 'operations')
      const writes = Array.from(operations, (operation, i) => {
        try {
          requireObject(operation, 'it')
          const { type } = operation
          const key = checkKey(operation.key)
          if (type === 'del') return [Op.del, key] as const
          if (type !== 'put') throw refusal('its type', type, 'is put or del')
          const { value } = operation
          return [Op.put, key, encoding.tag(value), encodeValue(encoding, value)] as const
        } catch (error) {
          throw invalid(`Operation ${i} of the batch: ${(error as Error).message}`, error)
        }
      })
      for (const [op, ...data] of writes) client.add(op, 0, durability, 0, ...data)
    })
  }

  /**
   * Removes the keys of a range, all if none is given. It is atomic as long as the keys
   * have no more than 4 MiB together; of more, a crash may leave some. A bound whose name is
   * misspelt, or bounds that are all undefined, are refused: they would take in every key.
   *
   * @throws {VarveError} as `put`.
   */
  clear(range: KeyRange & WriteOptions = {}): Promise<void> {
    return this.#ranged(Op.clear, () => boundsToClear(range), range)
  }

  /**
   * The store at this moment, whatever is written later.
   *
   * ```ts
   * const then = store.snapshot()
   * try { await then.get(key) } finally { await then.close() }
   * ```
   *
   * @throws {VarveError} `CLOSED` after `close()`.
   */
  snapshot(): Snapshot<K, V> {
    this.check()
    return new Snapshot(this.shared)
  }

  /** Waits until all writes so far are on the medium, as `strict` ones are. */
  flush(): Promise<void> {
    return this.shared.client.call(Op.flush, 0, done)
  }

  /**
   * Merges the tables of a range, or of the whole store, so that what was deleted or
   * overwritten takes no space. The engine does that by itself; this does it now.
   */
  compact(range: KeyRange = {}): Promise<void> {
    return this.#ranged(Op.compact, () => boundsOf(range))
  }

  /** The shape of the store, and what it has done. */
  stats(): Promise<Stats> {
    return this.shared.client.call(Op.stats, 0, stats)
  }

  /**
   * Reads every file of the store and checks every checksum.
   *
   * @throws {VarveError} `CORRUPT` with the first damage that it finds.
   */
  verify(): Promise<VerifyReport> {
    return this.shared.client.call(Op.verify, 0, verifyReport)
  }

  /**
   * A copy of the store as it is at this call, whatever is written later: a tar archive of LevelDB
   * files, which `open(name, { from })`, the `varve` command and other LevelDB tools take.
   *
   * ```ts
   * const backup = await new Response(store.export()).blob()
   * await store.export().pipeTo(writable)
   * ```
   *
   * It is read from the store as fast as it is taken, some 100 KiB ahead. What it copies can't be
   * reclaimed before its end: read it, or `cancel()` it. It fails with `CLOSED` when the store is
   * closed meanwhile.
   *
   * @throws {VarveError} `CLOSED` after `close()`; the stream fails with `IO`, `NO_SPACE` if what
   *   is in memory can't be written, `CORRUPT` if a file lacks bytes. Damage within is copied: the
   *   import, or `verify()`, finds it.
   */
  // Typed as what Blob gives: what takes that, as CompressionStream does, refuses other streams of bytes.
  export(): ReturnType<Blob['stream']> {
    this.check()
    const pieces = openExport(this.shared.client, this.shared.scans)
    return new ReadableStream(
      {
        async pull(controller) {
          const { done, value } = await pieces.next()
          if (done) controller.close()
          else controller.enqueue(value as Uint8Array<ArrayBuffer>)
        },
        cancel: () => pieces.close(),
      },
      { highWaterMark: 0 },
    )
  }

  /**
   * Closes the store, when everything that was called before is done. Its scans, snapshots and
   * exports end with it. It may be called again.
   */
  close(): Promise<void> {
    return this.shared.client.close()
  }

  /** Closes the store at the end of an `await using` block. */
  [asyncDispose](): Promise<void> {
    return this.close()
  }

  #ranged(op: number, bounds: () => Bounds, options?: WriteOptions): Promise<void> {
    return this.#ask(done, (client) => {
      const { lower, upper } = bounds()
      client.add(op, upper ? RequestFlag.upperBound : 0, durabilityCode(options), 0, lower, '', upper)
    })
  }

  #ask<T>(reply: Reply<T>, build: (client: Client) => void): Promise<T> {
    const { client } = this.shared
    return client.request(reply, () => build(client))
  }
}
