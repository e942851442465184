/**
 * varve for the Level ecosystem: a store as an `abstract-level` database.
 *
 * @module varve/level
 */
export { VarveLevel } from './level.js'
export { LevelError } from './errors.js'
export type {
  LevelBatchOptions,
  LevelClearOptions,
  LevelDelOptions,
  LevelPutOptions,
  LevelWriteOptions,
  VarveLevelOptions,
} from './options.js'
