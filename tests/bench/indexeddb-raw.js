// Runs in a worker: what vfs/idbfs does, written by hand against IndexedDB. Each measurement
// gives the time of one operation in milliseconds.

const PAGE = 32 << 10
const PAGES = 2048

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
    transaction.commit?.()
  })
}

async function mean(count, f) {
  await f(-1)
  const start = performance.now()
  for (let i = 0; i < count; i++) await f(i)
  return (performance.now() - start) / count
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

function put(db, durability) {
  const record = random(130)
  return (i) => {
    const tx = db.transaction('pages', 'readwrite', { durability })
    tx.objectStore('pages').add(record, 1e9 + i + (durability === 'strict' ? 1e6 : 0))
    return completed(tx)
  }
}

async function writePages(db, first, count, each, size = PAGE) {
  const page = random(size)
  for (let at = 0; at < count; at += each) {
    const tx = db.transaction('pages', 'readwrite', { durability: 'relaxed' })
    const store = tx.objectStore('pages')
    for (let i = at; i < at + each; i++) store.add(page.slice(), first + i)
    await completed(tx)
  }
}

/** Reads pages in order, `each` in a transaction, so many of which are under way. */
async function readPages(db, first, count, each, underWay) {
  const read = (at) => {
    const store = db.transaction('pages', 'readonly').objectStore('pages')
    let last
    for (let i = at; i < at + each; i++) last = store.get(first + i)
    return settled(last)
  }
  const queue = []
  for (let at = 0; at < count; at += each) {
    queue.push(read(at))
    if (queue.length === underWay) await queue.shift()
  }
  await Promise.all(queue)
}

async function timed(f) {
  const start = performance.now()
  await f()
  return performance.now() - start
}

async function best(...ways) {
  let least = Infinity
  for (const way of ways) least = Math.min(least, await timed(way))
  return least
}

const measurements = {
  commitRelaxed: (db) => mean(800, put(db, 'relaxed')),
  commitStrict: (db) => mean(500, put(db, 'strict')),
  write64MiB: (db) => best(
    () => writePages(db, 0, PAGES, 8),
    () => writePages(db, 10_000, PAGES, 64),
  ),
  async readPage(db) {
    await writePages(db, 0, PAGES, 8)
    return mean(800, () => settled(db.transaction('pages').objectStore('pages').get(Math.floor(Math.random() * PAGES))))
  },
  async read64MiB(db) {
    await writePages(db, 0, PAGES, 8)
    return best(
      () => readPages(db, 0, PAGES, 8, 2),
      () => readPages(db, 0, PAGES, 32, 2),
      () => readPages(db, 0, PAGES, 64, 1),
    )
  },
}

async function measure(name) {
  const db = await open('raw')
  const result = await measurements[name](db)
  db.close()
  await settled(indexedDB.deleteDatabase('raw'))
  return result
}

/** Writes and reads 32 MiB in records of each size: MB/s, and milliseconds for one get. */
async function recordSizes() {
  const rows = []
  for (const size of [4, 16, 32, 48, 60, 64, 256].map((kib) => kib << 10)) {
    const db = await open('sizes')
    const count = Math.floor((32 << 20) / size)
    const each = Math.max(1, Math.floor((256 << 10) / size))
    const whole = count - count % each
    const write = await timed(() => writePages(db, 0, whole, each, size))
    const get = await mean(200, () => settled(db.transaction('pages').objectStore('pages').get(Math.floor(Math.random() * whole))))
    const read = await timed(() => readPages(db, 0, whole, each, 2))
    rows.push({ size, write: whole * size / write / 1000, read: whole * size / read / 1000, get })
    db.close()
  }
  return rows
}

onmessage = async ({ data }) => postMessage(data === 'sizes' ? await recordSizes() : await measure(data))
