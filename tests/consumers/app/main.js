import { list, open } from 'varve'

async function use(host) {
  const store = await open(`by-${host}`, { host })
  await store.put('key', host)
  const rows = await store.scan().toArray()
  await store.close()
  return rows
}

globalThis.outcome = use('worker').then(async (rows) => [...rows, ...(await use('inline')), ...(await list())])
