// Runs in the page: the same work for a varve store and for IndexedDB used well.

import { key, source } from './places.js'

const BATCH = 1000
const SINGLE_CALLS = 500

/** @returns {Promise<{ load: Rate, scan: Rate, put: number, firstGet: number, get: number }>} rates, and medians in ms */
export async function measure(subject) {
  const rows = (await source()).map((place, i) => [key(place, i), place])
  await subject.open()
  const load = await timed(rows.length, async () => {
    for (let i = 0; i < rows.length; i += BATCH) await subject.write(rows.slice(i, i + BATCH))
  })
  const spread = Array.from({ length: SINGLE_CALLS }, (_, i) => rows[(i * 7919) % rows.length])
  const firstGet = await median(spread, ([k]) => subject.get(k))
  const get = await median(spread, ([k]) => subject.get(k))
  const put = await median(spread, ([k, place]) => subject.put(`${k}/again`, place))
  const scan = await timed(rows.length + SINGLE_CALLS, () => subject.readAll())
  await subject.remove()
  return { load, scan, firstGet, get, put }
}

async function timed(records, work) {
  const began = performance.now()
  await work()
  return { records, ms: performance.now() - began }
}

async function median(rows, call) {
  const times = []
  for (const row of rows) {
    const began = performance.now()
    await call(row)
    times.push(performance.now() - began)
  }
  return times.sort((a, b) => a - b)[times.length >> 1]
}

export class Varve {
  async open() {
    this.varve = await import('/varve/index.js')
    this.store = await this.varve.open('measured', { valueEncoding: 'json' })
  }

  write(rows) {
    return this.store.batch(rows.map(([k, value]) => ({ type: 'put', key: k, value })))
  }

  get(k) {
    return this.store.get(k)
  }

  put(k, value) {
    return this.store.put(k, value)
  }

  readAll() {
    return this.store.scan().toArray()
  }

  async remove() {
    await this.store.close()
    await this.varve.destroy('measured')
  }
}

export class Raw {
  async open() {
    const request = indexedDB.open('measured')
    request.onupgradeneeded = () => request.result.createObjectStore('rows')
    this.database = await result(request)
  }

  async write(rows) {
    const transaction = this.database.transaction('rows', 'readwrite', { durability: 'relaxed' })
    const store = transaction.objectStore('rows')
    for (const [k, value] of rows) store.put(value, k)
    transaction.commit()
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve
      transaction.onabort = () => reject(transaction.error)
    })
  }

  get(k) {
    return result(this.database.transaction('rows').objectStore('rows').get(k))
  }

  put(k, value) {
    return this.write([[k, value]])
  }

  async readAll() {
    const store = this.database.transaction('rows').objectStore('rows')
    const [keys, values] = await Promise.all([result(store.getAllKeys()), result(store.getAll())])
    return keys.map((k, i) => [k, values[i]])
  }

  async remove() {
    this.database.close()
    await result(indexedDB.deleteDatabase('measured'))
  }
}

function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
