// browser-level has no say in durability.

import { BrowserLevel } from 'browser-level'

export async function open(name) {
  const level = new BrowserLevel(name, { keyEncoding: 'utf8', valueEncoding: 'utf8' })
  await level.open()
  return {
    durabilities: ['relaxed'],
    put: (key, value) => level.put(key, value),
    write: (entries) => level.batch(entries.map(([key, value]) => ({ type: 'put', key, value }))),
    get: (key) => level.get(key),
    getMany: (keys) => level.getMany(keys),
    scanAll: () => level.iterator().all(),
    scan: ({ from, limit, reverse }) => level.iterator({ ...(from !== undefined && { gte: from }), limit, reverse }).all(),
    close: () => level.close(),
  }
}
