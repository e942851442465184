// The worker of sqlite.js. Calls are answered in their order.

import sqlite3InitModule from '@sqlite.org/sqlite-wasm'

/** As much as varve's memoryBudget is by default. */
const CACHE_KIB = 40 << 10

let database
let statements
let synchronous

const methods = {
  async open(name) {
    const sqlite3 = await sqlite3InitModule()
    const pool = await sqlite3.installOpfsSAHPoolVfs({ initialCapacity: 6 })
    database = new pool.OpfsSAHPoolDb(`/${name}`)
    database.exec(`
      PRAGMA locking_mode = exclusive;
      PRAGMA journal_mode = wal;
      PRAGMA cache_size = -${CACHE_KIB};
      CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID`)
    statements = {
      put: database.prepare('INSERT INTO entries VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'),
      get: database.prepare('SELECT value FROM entries WHERE key = ?'),
      forward: database.prepare('SELECT key, value FROM entries WHERE key >= ? ORDER BY key LIMIT ?'),
      backward: database.prepare('SELECT key, value FROM entries WHERE key >= ? ORDER BY key DESC LIMIT ?'),
    }
    sync('relaxed')
  },

  put(key, value, durability = 'relaxed') {
    sync(durability)
    put(key, value)
  },

  write(entries) {
    sync('relaxed')
    database.transaction(() => entries.forEach(([key, value]) => put(key, value)))
  },

  get,

  getMany: (keys) => database.transaction(() => keys.map(get)),

  scan({ from = '', limit = -1, reverse = false }) {
    const statement = statements[reverse ? 'backward' : 'forward']
    statement.bind([from, limit])
    const rows = []
    while (statement.step()) rows.push([statement.getString(0), statement.getString(1)])
    statement.reset()
    return rows
  },

  close() {
    for (const statement of Object.values(statements)) statement.finalize()
    database.close()
  },
}

/** full flushes at each commit. */
function sync(durability) {
  if (durability === synchronous) return
  database.exec(`PRAGMA synchronous = ${durability === 'strict' ? 'full' : 'normal'}`)
  synchronous = durability
}

function put(key, value) {
  statements.put.bind([key, value]).stepReset()
}

function get(key) {
  const { get } = statements
  get.bind([key])
  const value = get.step() ? get.getString(0) : undefined
  get.reset()
  return value
}

onmessage = async ({ data: [method, parameters] }) => {
  try {
    postMessage({ result: await methods[method](...parameters) })
  } catch (error) {
    postMessage({ error: String(error) })
  }
}
