import { requireArray } from './arguments.js'
import { done, type Client, type Reply } from './client.js'
import type { Encoding } from './encodings.js'
import { Op, RequestFlag, type ResponseReader } from './frame.js'
import { checkKey, type Key } from './keys.js'
import { boundsOf } from './range.js'
import type { Recent, RecentValue } from './recent.js'
import { Scan, openScan, type Entry, type ScanOptions, type ScanRegistry } from './scan.js'

/** What a store and its snapshots have in common. @internal */
export interface Shared<K extends Key, V> {
  readonly client: Client
  readonly encoding: Encoding<V>
  readonly readKey: (response: ResponseReader) => K
  readonly scans: ScanRegistry
  readonly value: Reply<V | undefined>
  readonly values: Reply<(V | undefined)[]>
  /** What the store, not a snapshot, has read or put last; undefined if that is not kept. */
  readonly recent: Recent<V> | undefined
}

/** @internal */
export function sharedBy<K extends Key, V>(
  client: Client,
  encoding: Encoding<V>,
  readKey: (response: ResponseReader) => K,
  recent?: Recent<V>,
): Shared<K, V> {
  const readValue = (response: ResponseReader) => (response.absent ? undefined : encoding.decode(response))
  return {
    client,
    encoding,
    readKey,
    recent,
    scans: new FinalizationRegistry(({ handle, unlisten }) => {
      unlisten()
      if (!client.closed) client.call(Op.scanClose, handle, done).catch(() => undefined)
    }),
    value: { read: readValue },
    values: {
      none: () => [],
      read(response) {
        const values = [readValue(response)]
        while (response.more && response.next()) values.push(readValue(response))
        return values
      },
    },
  }
}

const presence: Reply<boolean> = { read: (response) => !response.absent }

/** The reading half of a store, which a snapshot has as well. */
export abstract class Reads<K extends Key = string, V = unknown> {
  /** @internal */
  readonly shared: Shared<K, V>
  /** Of the snapshot; 0 for the store itself. @internal */
  readonly handle: number

  /** @internal */
  protected constructor(shared: Shared<K, V>, handle: number) {
    this.shared = shared
    this.handle = handle
  }

  /** Fails if this has been closed. @internal */
  protected check(): void {
    this.shared.client.check()
  }

  /**
   * Reads the newest value of `key`, or `undefined` if there is none.
   *
   * Results that arrived together share memory: a `Uint8Array`, and in some browsers a string, is
   * a part of a larger one, which lives as long as any of its parts. Copy what is kept for long,
   * and what is transferred: the others would be empty.
   *
   * @throws {VarveError} `CORRUPT` if the block that holds it fails its checksum;
   *   `INVALID_ARGUMENT` if the key can't be one; `CLOSED` after `close()`.
   */
  get(key: Key): Promise<V | undefined> {
    const kept = this.#kept(key)
    if (kept) return new Promise((resolve) => resolve(kept.again()))
    const { client, recent, value } = this.shared
    const reply = this.handle === 0 ? recent?.ask(key, client.writer.size) : undefined
    return this.#read(Op.get, key, reply ?? value)
  }

  /**
   * Reads the values of many keys at one moment, in the order of `keys`, with `undefined` where
   * there is none.
   *
   * @throws {VarveError} as `get`.
   */
  getMany(keys: readonly Key[]): Promise<(V | undefined)[]> {
    const { client, values } = this.shared
    return client.request(values, () => {
      this.check()
      requireArray(keys, 'keys')
      for (const key of Array.from(keys, checkKey)) client.add(Op.get, 0, 0, this.handle, key)
    })
  }

  /**
   * Tells whether `key` has a value, without fetching it.
   *
   * @throws {VarveError} as `get`.
   */
  has(key: Key): Promise<boolean> {
    const kept = this.#kept(key)
    return kept ? Promise.resolve(!kept.absent) : this.#read(Op.has, key, presence)
  }

  /**
   * Iterates over entries in the order of their keys. What is seen is what was there at the
   * time of this call, whatever is written while the scan goes on.
   *
   * ```ts
   * for await (const [key, value] of store.scan({ prefix: 'shift/', limit: 50 })) { … }
   * const rows = await store.scan({ gte: 'a', lt: 'b', reverse: true }).toArray()
   * ```
   *
   * @throws {VarveError} `INVALID_ARGUMENT` at once if the range is none; `CLOSED` after
   *   `close()`; later `CORRUPT` and `IO` from the iteration.
   */
  scan(options: ScanOptions = {}): Scan<Entry<K, V>> {
    const { readKey, encoding } = this.shared
    return this.#scan(options, 0, (response) => [readKey(response), encoding.decode(response)])
  }

  /** Iterates over keys alone, as `scan` does over entries. */
  keys(options: ScanOptions = {}): Scan<K> {
    return this.#scan(options, RequestFlag.keysOnly, this.shared.readKey)
  }

  /** Iterates over values alone, as `scan` does over entries. */
  values(options: ScanOptions = {}): Scan<V> {
    const { encoding } = this.shared
    return this.#scan(options, RequestFlag.valuesOnly, (response) => encoding.decode(response))
  }

  #kept(key: Key): RecentValue<V> | undefined {
    const { client, recent } = this.shared
    return this.handle !== 0 || client.closed ? undefined : recent?.find(key)
  }

  #read<T>(op: number, key: Key, reply: Reply<T>): Promise<T> {
    const { client } = this.shared
    return client.request(reply, () => {
      this.check()
      client.add(op, 0, 0, this.handle, checkKey(key))
    })
  }

  #scan<T>(options: ScanOptions, flag: number, read: (response: ResponseReader) => T): Scan<T> {
    this.check()
    const { client, scans } = this.shared
    return openScan(client, scans, this.handle, boundsOf(options), options, flag, read)
  }
}
