// idb-keyval has no ranges and no say in durability.

import { createStore, entries, get, getMany, set, setMany } from 'idb-keyval'

export async function open(name) {
  const store = createStore(name, 'entries')
  return {
    durabilities: ['relaxed'],
    put: (key, value) => set(key, value, store),
    write: (pairs) => setMany(pairs, store),
    get: (key) => get(key, store),
    getMany: (keys) => getMany(keys, store),
    scanAll: () => entries(store),
    close: () => store('readonly', (entries) => entries.transaction.db.close()),
  }
}
