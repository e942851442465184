// IndexedDB without a library, by the book: explicit keys, durability by name, commit() at once,
// all requests of a call in one transaction, getAllRecords instead of a cursor.

import { completed, settled } from '../../requests.js'

export async function open(name) {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => request.result.createObjectStore('entries')
  const database = await settled(request)

  const reading = () => database.transaction('entries').objectStore('entries')
  const write = (entries, durability = 'relaxed') => {
    const transaction = database.transaction('entries', 'readwrite', { durability })
    const store = transaction.objectStore('entries')
    for (const [key, value] of entries) store.put(value, key)
    return completed(transaction)
  }
  const scan = async ({ from, limit, reverse } = {}) => {
    const records = await settled(reading().getAllRecords({
      query: from === undefined ? undefined : IDBKeyRange.lowerBound(from),
      count: limit,
      direction: reverse ? 'prev' : 'next',
    }))
    return records.map(({ key, value }) => [key, value])
  }
  return {
    durabilities: ['relaxed', 'strict'],
    put: (key, value, durability) => write([[key, value]], durability),
    write,
    get: (key) => settled(reading().get(key)),
    getMany: (keys) => {
      const store = reading()
      return Promise.all(keys.map((key) => settled(store.get(key))))
    },
    scanAll: async () => {
      // Keys and values apart are twice as fast as getAllRecords of everything.
      const store = reading()
      const [keys, values] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())])
      return keys.map((key, i) => [key, values[i]])
    },
    scan,
    close: async () => database.close(),
  }
}
