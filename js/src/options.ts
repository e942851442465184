import { refusal, requireObject } from './arguments.js'
import { invalid } from './errors.js'
import { isWellFormed, type KeyEncoding } from './keys.js'
import type { ValueEncoding } from './encodings.js'
import type { ArchiveSource } from './import.js'

/**
 * What a write waits for before it is acknowledged.
 *
 * - `strict`: it is on the medium, safe from a loss of power.
 * - `relaxed`: the browser has committed it; it is safe from the end of the page.
 * - `deferred`: it is in memory, and will be committed within 20 ms, or by `flush()`.
 */
export type Durability = 'strict' | 'relaxed' | 'deferred'

/** What the engine takes for memoryBudget in IndexedDB if none is given. @internal */
export const DEFAULT_BUDGET = 40 << 20

/** Where the package finds its engine. */
export interface EngineOptions {
  /** Where the engine runs: in a worker of its own (the default), or in the caller's thread. */
  host?: 'worker' | 'inline' | undefined
  /** The URL of `varve.wasm`, where no bundler finds it. */
  wasmUrl?: string | URL | undefined
  /** The compiled `varve.wasm`, which is then not fetched. */
  wasmModule?: WebAssembly.Module | undefined
  /** The URL of `worker.js`, where no bundler finds it. */
  workerUrl?: string | URL | undefined
  /** Ends the call with `ABORTED`. */
  signal?: AbortSignal | undefined
}

/** Options of `open`. */
export interface OpenOptions<V = unknown> extends EngineOptions {
  /** How values are stored. Default `any`. It is not stored: give the same one every time. */
  valueEncoding?: ValueEncoding<V> | undefined
  /** How keys are given back. Default `utf8`. */
  keyEncoding?: KeyEncoding | undefined
  /** Of writes that don't ask for another. Default `relaxed`. */
  durability?: Durability | undefined
  /**
   * Bytes that the engine's buffers and caches may take together. Default 40 MiB (32 MiB outside of
   * IndexedDB), at least 1 MiB. A sixteenth of it besides holds what was read or put last, where the
   * store is called from.
   */
  memoryBudget?: number | undefined
  /** Make the store if there is none. Default true; if false, `open` then fails with `NOT_FOUND`. */
  createIfMissing?: boolean | undefined
  /** Fail with `EXISTS` if there is a store already. Default false, with `from` always true. */
  errorIfExists?: boolean | undefined
  /**
   * Makes the store of this archive, which has to be a whole one: it is verified before it becomes
   * the store. If that fails, there is none; but in `dir`, an abort in the last moment may leave it.
   */
  from?: ArchiveSource | undefined
  /**
   * In Node, on Linux and macOS: the directory of the store's files, made if it is missing. They are
   * LevelDB's: the `varve` command and other tools open them when the store is closed. It needs
   * `host: 'inline'`. `wasmUrl` and `wasmModule` are of `varve-node.wasm` then.
   */
  dir?: string | undefined
  /** `idb`: in IndexedDB (the default). `memory`: a new store that ends when it is closed. */
  storage?: 'idb' | 'memory' | undefined
}

/** Those that say nothing of values. @internal */
export type UntypedOptions = Omit<OpenOptions, 'valueEncoding'>

/** Options of a write. */
export interface WriteOptions {
  /** Default: that of the store. */
  durability?: Durability | undefined
}

/** The option's number in a frame. @internal */
export function durabilityCode(options: WriteOptions | undefined): number {
  if (options === undefined) return 0
  requireObject(options, 'options')
  const code = durabilities.indexOf(options.durability)
  if (code < 0) throw refusal('durability', options.durability, 'is strict, relaxed or deferred')
  return code
}

const durabilities: readonly unknown[] = [undefined, 'strict', 'relaxed', 'deferred']

/** Checks the options that the engine gets, and names them for it. @internal */
export function engineEntries(options: UntypedOptions): [name: string, text: string][] {
  durabilityCode(options)
  const { durability, memoryBudget, createIfMissing = true, errorIfExists = false, storage = 'idb', from, dir } = options
  const imports = from !== undefined
  if (!createIfMissing && (errorIfExists || imports)) {
    throw invalid('createIfMissing is false and errorIfExists or from is given.')
  }
  if (storage !== 'idb' && storage !== 'memory') {
    throw refusal('storage', storage, 'is idb or memory')
  }
  const entries: [string, string][] = [
    ['storage', dir === undefined ? storage : 'dir'],
    ['createIfMissing', String(createIfMissing)],
    ['errorIfExists', String(errorIfExists)],
    ['durability', durability ?? 'relaxed'],
    ['import', String(imports)],
  ]
  if (memoryBudget !== undefined) {
    if (!Number.isSafeInteger(memoryBudget) || memoryBudget < 1 << 20) {
      throw refusal('memoryBudget', memoryBudget, `is a number of bytes, at least ${1 << 20}`)
    }
    entries.push(['memoryBudget', String(memoryBudget)])
  }
  return entries
}

/** @internal */
export function checkName(name: string): void {
  if (typeof name !== 'string' || name === '' || !isWellFormed(name)) {
    throw refusal('The name of the store', name, 'has to be text, and not empty')
  }
}
