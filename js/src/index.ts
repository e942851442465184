/**
 * varve: an ordered key-value store for the browser.
 *
 * @module varve
 */
export { open, destroy, list, type KeyOf } from './open.js'
export { persist } from './persist.js'
export { VarveError, type ErrorCode, type ErrorFields } from './errors.js'
export type { Codec, ValueEncoding } from './encodings.js'
export type { ArchiveSource } from './import.js'
export type { Key, KeyEncoding } from './keys.js'
export type { Durability, EngineOptions, OpenOptions, WriteOptions } from './options.js'
export type { KeyRange } from './range.js'
export type { Entry, Scan, ScanOptions } from './scan.js'
export type { Snapshot } from './snapshot.js'
export type { CacheStats, LevelStats, Stats, VerifyReport } from './stats.js'
export type { BatchOperation, Store } from './store.js'
