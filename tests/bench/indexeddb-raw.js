// What vfs/idbfs does, written by hand against IndexedDB. Its benchmarks call it in their worker,
// by turns with what they measure: see vfs/idbfs/bench_test.go.
//
// Each function does a thing `count` times, in every way that might be the best, and gives the
// milliseconds that each way took. Both sides ask for the same durability and write records of
// the same size, of bytes that cannot be compressed.

import { completed, settled } from './requests.js'

const PAGE = 32 << 10
const PAGES = 2048

async function timed(f) {
  const start = performance.now()
  await f()
  return performance.now() - start
}

const random = (size) => {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536))
  return bytes
}

async function open(name) {
  await settled(indexedDB.deleteDatabase(name))
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => request.result.createObjectStore('pages')
  return settled(request)
}

/** Carries out `run(at)` for every `each`th place before `count`, `underWay` of them at once. */
async function inTransactions(count, [each, underWay], run) {
  const queue = []
  for (let at = 0; at < count; at += each) {
    queue.push(run(at, Math.min(each, count - at)))
    if (queue.length === underWay) await queue.shift()
  }
  await Promise.all(queue)
}

function writePages(db, first, count, way, page) {
  return inTransactions(count, way, (at, n) => {
    const tx = db.transaction('pages', 'readwrite', { durability: 'relaxed' })
    const store = tx.objectStore('pages')
    for (let i = at; i < at + n; i++) store.add(page.slice(), first + i)
    return completed(tx)
  })
}

function readPages(db, count, way) {
  return inTransactions(count, way, async (at, n) => {
    const store = db.transaction('pages', 'readonly').objectStore('pages')
    const requests = []
    for (let i = at; i < at + n; i++) requests.push(store.get(i))
    await settled(requests.at(-1))
    // Chromium makes a value of a result when it is asked for, not before.
    return requests.map(({ result }) => result)
  })
}

function readPage(db, pages) {
  return settled(db.transaction('pages').objectStore('pages').get(Math.floor(Math.random() * pages)))
}

const record = random(130)

async function commit(count, durability) {
  const db = await database('commits')
  return [await timed(async () => {
    for (let i = 0; i < count; i++) {
      const tx = db.transaction('pages', 'readwrite', { durability })
      tx.objectStore('pages').add(record, next++)
      await completed(tx)
    }
  })]
}

let next = 0
const databases = new Map()

function database(name, fill = async (db) => db) {
  if (!databases.has(name)) databases.set(name, open(name).then(fill))
  return databases.get(name)
}

const filled = () => database('filled', async (db) => {
  await writePages(db, 0, PAGES, [8, 1], random(PAGE))
  return db
})

/** The time of each way: so many records in a transaction, so many transactions under way. */
async function each(ways, f) {
  const times = []
  for (const way of ways) times.push(await timed(() => f(way)))
  return times
}

globalThis.handWritten = {
  commitRelaxed: (count) => commit(count, 'relaxed'),
  commitStrict: (count) => commit(count, 'strict'),
  async readPages(count) {
    const db = await filled()
    return [await timed(async () => {
      for (let i = 0; i < count; i++) await readPage(db, PAGES)
    })]
  },
  async readInOrder(count) {
    const db = await filled()
    return each([[8, 2], [8, 4], [32, 2]], (way) => readPages(db, count, way))
  },
  async writeInOrder(count) {
    const db = await database('written')
    const page = random(PAGE)
    return each([[8, 1], [8, 2], [64, 1], [64, 2]], (way) => writePages(db, (next += count), count, way, page))
  },

  /** Writes and reads 32 MiB in records of each size: MB/s, and milliseconds for one get. */
  async recordSizes() {
    const rows = []
    for (const size of [4, 16, 32, 48, 56, 60, 64, 256].map((kib) => kib << 10)) {
      const db = await open('sizes')
      const count = Math.floor((32 << 20) / size)
      const each = Math.max(1, Math.floor((256 << 10) / size))
      const write = await timed(() => writePages(db, 0, count, [each, 2], random(size)))
      const get = await timed(async () => {
        for (let i = 0; i < 200; i++) await readPage(db, count)
      })
      const read = await timed(() => readPages(db, count, [each, 4]))
      rows.push({ size, write: count * size / write / 1000, read: count * size / read / 1000, get: get / 200 })
      db.close()
    }
    return rows
  },
}
