// Measures varve beside raw IndexedDB in one run of one Chromium, with the places of GeoNames:
// read the ratios, not the times.

import { readFile, readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { brotliCompressSync, constants } from 'node:zlib'
import { launch, openPage } from '../e2e/harness/browser.mjs'
import { serve } from '../e2e/harness/server.mjs'

const dist = new URL('../../js/dist/', import.meta.url)

test('varve beside raw IndexedDB', async (t) => {
  const url = await serve(t)
  const { context } = await launch(t)
  const page = await openPage(t, context, url)
  const { varve, indexedDB } = await page.evaluate(async () => {
    const { measure, Raw, Varve } = await import('/pages/measure.js')
    return { indexedDB: await measure(new Raw()), varve: await measure(new Varve()) }
  })

  print(['', 'varve', 'raw IndexedDB'], [
    ['load all places, records/s', perSecond(varve.load), perSecond(indexedDB.load)],
    ['awaited put, p50', ms(varve.put), ms(indexedDB.put)],
    ['awaited get, first time, p50', ms(varve.firstGet), ms(indexedDB.firstGet)],
    ['awaited get, again, p50', ms(varve.get), ms(indexedDB.get)],
    ['read all in order, records/s', perSecond(varve.scan), perSecond(indexedDB.scan)],
  ])
  print(['js/dist', 'bytes', 'brotli'], await sizes())
})

async function sizes() {
  const rows = []
  for (const name of await readdir(dist)) {
    if (!/\.(js|wasm)$/.test(name)) continue
    const content = await readFile(new URL(name, dist))
    const small = brotliCompressSync(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    })
    rows.push([name, whole(content.length), whole(small.length)])
  }
  return rows
}

function print(head, rows) {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)))
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')
  console.log(`\n${all.map(line).join('\n')}\n`)
}

function whole(n) {
  return Math.round(n).toLocaleString('en')
}

function perSecond({ records, ms }) {
  return whole(records / ms * 1000)
}

function ms(n) {
  return `${n.toFixed(2)} ms`
}
