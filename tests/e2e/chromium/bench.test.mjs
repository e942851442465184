import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PEERS, measure } from '../../bench/browser/driver.mjs'
import { ROWS, gaps, table } from '../../bench/browser/report.mjs'

/** The rows that a library can't fill, for want of ranges, of durabilities or of compactions. */
const LACKING = {
  varve: [],
  'varve-inline': [],
  'raw-indexeddb': ['p99Idle', 'p99Compacting'],
  'idb-keyval': ['putStrict', 'ranges', 'reverse', 'p99Idle', 'p99Compacting'],
  dexie: ['p99Idle', 'p99Compacting'],
  'browser-level': ['putStrict', 'p99Idle', 'p99Compacting'],
  sqlite: ['p99Idle', 'p99Compacting'],
}

// The workloads themselves check that every library gives back what was put.
test('the benchmark of stores runs, and fills its table', async (t) => {
  const { results, fetched } = await measure(t, { records: 200, rounds: 1, rest: 0 })
  for (const peer of PEERS) {
    assert.deepEqual(gaps(results, peer, ['wire', ...LACKING[peer]]), [], `rows that ${peer} has not filled`)
    assert.ok(fetched.some((file) => file.peer === peer && file.path === '/bench/start.js'), `${peer} has a start page`)
  }
  assert.ok(fetched.some(({ peer, path }) => peer === 'varve' && path === '/varve/varve.wasm'))
  assert.ok(fetched.some(({ peer, path }) => peer === 'sqlite' && path === '/bench/sqlite3.wasm'))
  assert.equal(table(results).split('\n').length, 2 + ROWS.length)
})
