import Dexie from 'dexie'

export async function open(name) {
  // Dexie asks for a durability once for a connection.
  const [relaxed, strict] = ['relaxed', 'strict'].map((chromeTransactionDurability) => {
    const database = new Dexie(name, { chromeTransactionDurability })
    database.version(1).stores({ entries: 'key' })
    return database
  })
  await relaxed.open()
  const { entries } = relaxed
  const pairs = (rows) => rows.map(({ key, value }) => [key, value])
  return {
    durabilities: ['relaxed', 'strict'],
    put: (key, value, durability) => (durability === 'strict' ? strict : relaxed).entries.put({ key, value }),
    write: (rows) => entries.bulkPut(rows.map(([key, value]) => ({ key, value }))),
    get: async (key) => (await entries.get(key))?.value,
    getMany: async (keys) => (await entries.bulkGet(keys)).map((row) => row?.value),
    scanAll: async () => pairs(await entries.toArray()),
    scan: async ({ from, limit, reverse }) => {
      const rows = from === undefined ? entries.orderBy('key') : entries.where('key').aboveOrEqual(from)
      return pairs(await (reverse ? rows.reverse() : rows).limit(limit).toArray())
    },
    close: async () => {
      relaxed.close()
      strict.close()
    },
  }
}
