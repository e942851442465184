import {
  AbstractLevel,
  type AbstractBatchOperation,
  type AbstractChainedBatch,
  type AbstractDelOptions,
  type AbstractOpenOptions,
  type Transcoder,
} from 'abstract-level'
import type { Reply } from '../client.js'
import { VarveError } from '../errors.js'
import { Op } from '../frame.js'
import type { Key } from '../keys.js'
import { destroy, open } from '../open.js'
import type { EngineOptions, OpenOptions, WriteOptions } from '../options.js'
import type { KeyRange } from '../range.js'
import type { BatchOperation, Store } from '../store.js'
import { checkedKey, checkedValue, codec, stored } from './data.js'
import { LevelError, levelError, rethrow } from './errors.js'
import { readersOf, type Format, type Readers } from './formats.js'
import { EntryIterator, KeyIterator, ValueIterator, type IteratorOptions } from './iterators.js'
import {
  parted,
  type LevelBatchOptions,
  type LevelClearOptions,
  type LevelDelOptions,
  type LevelPutOptions,
  type LevelWriteOptions,
  type StoreOptions,
  type VarveLevelOptions,
} from './options.js'
import { rangeOf, type LevelRange } from './range.js'
import { LevelSnapshot } from './snapshot.js'

/** How many keys are deleted together by a `clear` that has to look for them. */
const CLEARED_AT_ONCE = 1000

interface ReadOptions {
  valueEncoding: Format
  snapshot?: LevelSnapshot
}

interface ClearOptions extends LevelRange, LevelWriteOptions {
  reverse: boolean
  limit: number
  snapshot?: LevelSnapshot
}

/** An open store, and how it is read in each of Level's formats. */
interface Opened {
  store: Store<Uint8Array, Key>
  readers: Readers
}

/** Closes stores in memory of objects that nobody has any more. */
const forgotten = new FinalizationRegistry<Store<Uint8Array, Key>>((store) => void store.close().catch(() => undefined))

/**
 * A varve store as an `abstract-level` database, for the modules of the Level ecosystem.
 *
 * ```ts
 * const db = new VarveLevel<string, Shift>('festival', { valueEncoding: 'json' })
 * await db.put('shift/0042', { gate: 3, who: 'v17' })
 * const gates = db.sublevel('gate')
 * ```
 *
 * Its errors have the codes of Level, such as `LEVEL_LOCKED` and `LEVEL_CORRUPTION`, and the
 * `VarveError` as their cause.
 *
 * A database with `storage: 'memory'` keeps its content for as long as the object lives, closed
 * or not.
 */
export class VarveLevel<KDefault = string, VDefault = string> extends AbstractLevel<Key, KDefault, VDefault> {
  /** The name of the store. */
  readonly location: string
  readonly #options: StoreOptions
  #opened: Opened | undefined

  /** The store is opened at once, as all of Level does; operations may be called before. */
  constructor(location: string, options: VarveLevelOptions<KDefault, VDefault> = {}) {
    if (typeof location !== 'string' || location === '') {
      throw new TypeError("The first argument 'location' must be a non-empty string")
    }
    const [storeOptions, levelOptions] = parted(options)
    const permanence = storeOptions.storage !== 'memory'
    const manifest = {
      implicitSnapshots: true,
      explicitSnapshots: true,
      seek: true,
      has: true,
      // What is stored, and not in memory as well, has to be awaited.
      getSync: storeOptions.host === 'inline' && !permanence,
      permanence,
      createIfMissing: permanence,
      errorIfExists: permanence,
      encodings: { utf8: true, view: true },
      signals: { iterators: true },
      additionalMethods: { compactRange: true },
    }
    super(manifest, levelOptions)
    this.location = location
    this.#options = storeOptions
  }

  /**
   * The store itself, for what Level has no call for: `flush`, `verify`, `stats`. It is another
   * one each time that the database is opened.
   *
   * @throws {LevelError} `LEVEL_DATABASE_NOT_OPEN` if the database is not open.
   */
  get store(): Store<Uint8Array, Key> {
    if (this.status !== 'open') throw new LevelError('LEVEL_DATABASE_NOT_OPEN', 'The database is not open.')
    return this.#now().store
  }

  /**
   * Deletes the store of that name. It is no error if there is none.
   *
   * @throws {LevelError} `LEVEL_LOCKED` if it is open somewhere.
   */
  static destroy(location: string, options: EngineOptions = {}): Promise<void> {
    return destroy(location, options).catch(rethrow)
  }

  /** Merges the tables of a range, so that what was deleted or overwritten takes no space. */
  async compactRange<K = KDefault>(start: K, end: K, options: AbstractDelOptions<K> = {}): Promise<void> {
    if (this.status === 'opening') return this.deferAsync(() => this.compactRange(start, end, options))
    const { store } = this
    const encoding = this.keyEncoding(options.keyEncoding as Transcoder.MixedEncoding<K, Key, K>)
    const range = rangeOf({ gte: encoding.encode(start), lte: encoding.encode(end) })
    if (range) await store.compact(range).catch(rethrow)
  }

  /** Opens the database, anew if its engine has failed or its page was left. */
  override open(options: AbstractOpenOptions = {}): Promise<void> {
    const ended = this.status === 'open' && this.#opened?.store.shared.client.closed
    return ended ? this.close().then(() => super.open(options)) : super.open(options)
  }

  // What follows is called by AbstractLevel.

  /** @internal */
  async _open({ createIfMissing = true, errorIfExists = false, ...options }: OpenOptions<Key>): Promise<void> {
    if (this.#opened && !this.#opened.store.shared.client.closed) return
    // As in LevelDB, there may be both: then nothing is made, and what exists is refused.
    const refused = !createIfMissing && errorIfExists
    try {
      const store = await open<Key>(this.location, {
        ...this.#options,
        ...options,
        createIfMissing,
        errorIfExists: errorIfExists && !refused,
        keyEncoding: 'view',
        valueEncoding: codec,
      })
      if (refused) {
        await store.close()
        throw new VarveError('EXISTS', `Store ${this.location} exists.`)
      }
      this.#opened = { store, readers: readersOf(store.shared.client) }
      if (!this.supports.permanence) forgotten.register(this, store)
    } catch (error) {
      throw levelError(error)
    }
  }

  /** @internal */
  async _close(): Promise<void> {
    if (!this.supports.permanence) return
    await this.#opened?.store.close().catch(rethrow)
    this.#opened = undefined
  }

  /** @internal */
  async _put(key: Key, value: Key, options: LevelWriteOptions): Promise<void> {
    await this.#now().store.put(checkedKey(key), checkedValue(value), writeOptions(options)).catch(rethrow)
  }

  /** @internal */
  async _del(key: Key, options: LevelWriteOptions): Promise<void> {
    await this.#now().store.del(checkedKey(key), writeOptions(options)).catch(rethrow)
  }

  /** @internal */
  async _batch(operations: readonly BatchOperation<Key>[], options: LevelWriteOptions): Promise<void> {
    const checked = operations.map((operation): BatchOperation<Key> => {
      const key = checkedKey(operation.key)
      return operation.type === 'put' ? { type: 'put', key, value: checkedValue(operation.value) } : { type: 'del', key }
    })
    await this.#now().store.batch(checked, writeOptions(options)).catch(rethrow)
  }

  /** @internal */
  async _clear(options: ClearOptions): Promise<void> {
    const range = rangeOf(options)
    if (!range) return
    if (options.limit >= 0 || options.snapshot) return this.#clearFound(range, options)
    await this.#now().store.clear({ ...range, ...writeOptions(options) }).catch(rethrow)
  }

  /** @internal */
  async _get(key: Key, { valueEncoding, snapshot }: ReadOptions): Promise<Key | undefined> {
    return this.#readers(snapshot)[valueEncoding].get(checkedKey(key)).catch(rethrow)
  }

  /** @internal */
  async _getMany(keys: Key[], { valueEncoding, snapshot }: ReadOptions): Promise<(Key | undefined)[]> {
    return this.#readers(snapshot)[valueEncoding].getMany(keys.map(checkedKey)).catch(rethrow)
  }

  /** @internal */
  _getSync(key: Key, { valueEncoding, snapshot }: ReadOptions): Key | undefined {
    const { shared, handle } = this.#readers(snapshot)[valueEncoding]
    const value: Reply<Key | undefined> = shared.value
    const asked = checkedKey(key)
    try {
      return shared.client.requestNow(value, () => shared.client.add(Op.get, 0, 0, handle, asked))
    } catch (error) {
      throw levelError(error)
    }
  }

  /** @internal */
  async _has(key: Key, { snapshot }: ReadOptions): Promise<boolean> {
    return this.#readers(snapshot).view.has(checkedKey(key)).catch(rethrow)
  }

  /** @internal */
  async _hasMany(keys: Key[], { snapshot }: ReadOptions): Promise<boolean[]> {
    const { view } = this.#readers(snapshot)
    return Promise.all(keys.map(checkedKey).map((key) => view.has(key))).catch(rethrow)
  }

  /** @internal */
  _iterator(options: IteratorOptions): EntryIterator {
    return new EntryIterator(this, options, this.#readers())
  }

  /** @internal */
  _keys(options: IteratorOptions): KeyIterator {
    return new KeyIterator(this, options, this.#readers())
  }

  /** @internal */
  _values(options: IteratorOptions): ValueIterator {
    return new ValueIterator(this, options, this.#readers())
  }

  /** @internal */
  _snapshot(options: object): LevelSnapshot {
    const { store, readers } = this.#now()
    return new LevelSnapshot(options, store.snapshot(), readers)
  }

  /** What is open; fails if that has ended by itself. */
  #now(): Opened {
    const opened = this.#opened
    try {
      if (!opened) throw new VarveError('CLOSED', 'The database is not open.')
      opened.store.shared.client.check()
      return opened
    } catch (error) {
      throw levelError(error)
    }
  }

  #readers(snapshot?: LevelSnapshot): Readers {
    const { readers } = this.#now()
    return snapshot?.readers ?? readers
  }

  /** Deletes as many keys of the range as there may be, or those that the snapshot has. */
  async #clearFound(range: KeyRange, { reverse, limit, snapshot, ...options }: ClearOptions): Promise<void> {
    const most = limit < 0 ? Infinity : limit
    const keys = this.#readers(snapshot).view.keys({ ...range, reverse, limit: most })
    try {
      for (;;) {
        const found = await keys.nextMany(CLEARED_AT_ONCE)
        if (found.length === 0) return
        const operations = found.map((key): BatchOperation<Key> => ({ type: 'del', key: stored(key) }))
        await this.#now().store.batch(operations, writeOptions(options))
      }
    } catch (error) {
      throw levelError(error)
    } finally {
      await keys.close()
    }
  }
}

/** What the methods of AbstractLevel take besides. */
export interface VarveLevel<KDefault, VDefault> {
  put(key: KDefault, value: VDefault): Promise<void>
  put<K = KDefault, V = VDefault>(key: K, value: V, options: LevelPutOptions<K, V>): Promise<void>
  del(key: KDefault): Promise<void>
  del<K = KDefault>(key: K, options: LevelDelOptions<K>): Promise<void>
  batch(operations: AbstractBatchOperation<this, KDefault, VDefault>[]): Promise<void>
  batch<K = KDefault, V = VDefault>(
    operations: AbstractBatchOperation<this, K, V>[],
    options: LevelBatchOptions<K, V>,
  ): Promise<void>
  batch(): AbstractChainedBatch<this, KDefault, VDefault>
  clear(): Promise<void>
  clear<K = KDefault>(options: LevelClearOptions<K>): Promise<void>
}

function writeOptions({ durability, sync }: LevelWriteOptions): WriteOptions {
  if (durability !== undefined) return { durability }
  return sync ? { durability: 'strict' } : {}
}
