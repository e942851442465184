import type { Reply } from './client.js'
import type { ResponseReader } from './frame.js'

/** What a cache holds, in bytes, and how often it was asked. */
export interface CacheStats {
  bytes: number
  /** The most that it may hold. */
  capacity: number
  hits: number
  misses: number
}

/** A level of the tree. The keys are given as text, for people to read. */
export interface LevelStats {
  files: number
  bytes: number
  /** The first key; missing if there are no files. */
  smallest?: string
  /** The last key; missing if there are no files. */
  largest?: string
}

/** The shape of the store, and what it did since it was opened. Sizes are in bytes. */
export interface Stats {
  /** Level 0 first. */
  levels: LevelStats[]
  /**
   * What the store takes: its files, those that are about to be deleted, and the space that it keeps
   * in reserve. `origin` is the browser's own estimate for all data of the site, where it gives one.
   */
  disk: { bytes: number; origin?: { usage: number; quota: number } }
  /** What has not been written to tables yet. */
  memtable: { count: number; bytes: number }
  /** Blocks of tables, decoded. */
  blockCache: CacheStats
  /** What is needed of a table to find a block: its index and its filter. */
  tableCache: CacheStats
  /** Lookups in tables that asked a filter, and those that the filter ended. */
  filter: { checks: number; negatives: number }
  /** Memtables written to tables. */
  flushes: number
  /** Merges of tables into the next level. */
  compactions: number
  /** Compactions that only moved a table. */
  trivialMoves: number
  /** Bytes written: by the caller, to logs, to tables by flushes and by compactions. */
  written: { user: number; log: number; flush: number; compaction: number }
  /** Bytes of the tables that compactions merged. */
  compactionBytesRead: number
  /** Writes that had to wait for flushes or compactions. */
  stalls: { count: number; milliseconds: number }
  /** Scans that are open. */
  iterators: number
  /** Snapshots that are open. */
  snapshots: number
  /** How many writes the store has seen in its life. */
  lastSequence: number
}

/** What `verify` has checked. */
export interface VerifyReport {
  files: number
  bytes: number
  /** Deleted and overwritten ones included. */
  entries: number
}

/** @internal */
export const stats: Reply<Stats> = {
  read: (response) => tree(response) as unknown as Stats,
}

/** @internal */
export const verifyReport: Reply<VerifyReport> = { read: (response) => tree(response) as unknown as VerifyReport }

type Tree = { [name: string]: Tree | number | string }

/** Builds an object from entries (path, text): "levels.0.files" names a member of a list. */
function tree(response: ResponseReader): Tree {
  const root: Tree = {}
  do {
    const path = response.keyText().split('.')
    const name = path.pop()!
    let node = root
    path.forEach((step, i) => {
      const child = (node[step] ??= (/^\d+$/.test(path[i + 1] ?? '') ? [] : {}) as Tree)
      node = child as Tree
    })
    node[name] = textual.has(name) ? display(response) : Number(response.valueText())
  } while (response.more && response.next())
  return root
}

const textual: ReadonlySet<string> = new Set(['smallest', 'largest'])
const lossy = new TextDecoder()

function display(response: ResponseReader): string {
  return lossy.decode(response.valueBytes())
}
