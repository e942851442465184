// An application that runs in Node, without a browser.

import { createWriteStream, openAsBlob } from 'node:fs'
import { Writable } from 'node:stream'
import { open } from 'varve'

async function use(place, options) {
  const store = await open('app', { host: 'inline', valueEncoding: 'utf8', ...options })
  if (!options.from) await store.batch([{ type: 'put', key: 'a', value: '1' }, { type: 'put', key: 'b', value: '2' }])
  const rows = await store.scan().toArray()
  console.log(`${place}: ${rows.map((row) => row.join('=')).join(' ')}`)
  if (place === 'directory') await store.export().pipeTo(Writable.toWeb(createWriteStream('store.tar')))
  await store.close()
}

await use('memory', { storage: 'memory' })
await use('directory', { dir: 'data' })
await use('archive', { storage: 'memory', from: await openAsBlob('store.tar') })
