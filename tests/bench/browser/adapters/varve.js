import { open as openStore } from '/varve/index.js'

export function open(name) {
  return openVarve(name, {})
}

export async function openVarve(name, options) {
  const store = await openStore(name, options)
  return {
    durabilities: ['relaxed', 'strict'],
    put: (key, value, durability) => store.put(key, value, { durability }),
    write: (entries) => store.batch(entries.map(([key, value]) => ({ type: 'put', key, value }))),
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    scanAll: () => store.scan().toArray(),
    scan: ({ from, limit, reverse }) => store.scan({ gte: from, limit, reverse }).toArray(),
    compact: () => store.compact(),
    close: () => store.close(),
  }
}
