import type {
  AbstractBatchOptions,
  AbstractClearOptions,
  AbstractDatabaseOptions,
  AbstractDelOptions,
  AbstractPutOptions,
} from 'abstract-level'
import type { Durability, OpenOptions } from '../options.js'

/** Those options of `open` that Level does not have. A database is opened many times, and imported once. */
export type StoreOptions = Omit<OpenOptions, 'keyEncoding' | 'valueEncoding' | 'createIfMissing' | 'errorIfExists' | 'from'>

/** Options of the constructor: Level's, and those of `open`. */
export interface VarveLevelOptions<K, V> extends AbstractDatabaseOptions<K, V>, StoreOptions {}

const ofStores: Record<keyof StoreOptions, true> = {
  host: true,
  wasmUrl: true,
  wasmModule: true,
  workerUrl: true,
  signal: true,
  durability: true,
  memoryBudget: true,
  storage: true,
  dir: true,
}

/** Parts the options of the store from all others, which are Level's and its hooks'. @internal */
export function parted<K, V>(options: VarveLevelOptions<K, V>): [StoreOptions, AbstractDatabaseOptions<K, V>] {
  const entries = Object.entries(options)
  const part = (ofStore: boolean) => Object.fromEntries(entries.filter(([name]) => Object.hasOwn(ofStores, name) === ofStore))
  return [part(true), part(false)]
}

/** What a write waits for. */
export interface LevelWriteOptions {
  /** Default: that of the database. */
  durability?: Durability | undefined
  /** As in classic-level: true asks for durability `strict`. */
  sync?: boolean | undefined
}

/** Options of `put`. */
export interface LevelPutOptions<K, V> extends AbstractPutOptions<K, V>, LevelWriteOptions {}
/** Options of `del`. */
export interface LevelDelOptions<K> extends AbstractDelOptions<K>, LevelWriteOptions {}
/** Options of `batch`. */
export interface LevelBatchOptions<K, V> extends AbstractBatchOptions<K, V>, LevelWriteOptions {}
/** Options of `clear`. */
export interface LevelClearOptions<K> extends AbstractClearOptions<K>, LevelWriteOptions {}
