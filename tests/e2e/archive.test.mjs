import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

async function newPage(t) {
  const url = await serve(t)
  const { context } = await launch(t)
  return openPage(t, context, url)
}

for (const host of ['worker', 'inline']) {
  test(`a store is exported and imported as it was (${host})`, async (t) => {
    const page = await newPage(t)
    const outcome = await page.evaluate(async (host) => {
      const { open, list } = await import('/varve/index.js')
      const store = await open('from', { host, valueEncoding: 'utf8' })
      await store.batch(Array.from({ length: 30_000 }, (_, i) => ({ type: 'put', key: `k${i}`, value: crypto.randomUUID() })))
      const rows = JSON.stringify(await store.scan().toArray())
      const stream = store.export()
      await store.clear()
      const blob = await new Response(stream).blob()
      const copy = await open('to', { host, valueEncoding: 'utf8', from: blob })
      const same = JSON.stringify(await copy.scan().toArray()) === rows
      const { entries } = await copy.verify()
      await copy.close()
      const again = await open('to', { host, valueEncoding: 'utf8', createIfMissing: false })
      const count = (await again.keys().toArray()).length
      await again.close()

      const failures = []
      for (const [name, from] of [['to', blob], ['cut', blob.slice(0, blob.size / 2)], ['text', new Blob(['text'])]]) {
        await open(name, { host, from }).catch((error) => failures.push(error.code))
      }
      const reader = store.export().getReader()
      await reader.read()
      await reader.cancel()
      const { iterators } = await store.stats()
      await store.close()
      return { same, entries, count, failures, iterators, stores: await list({ host }) }
    }, host)
    assert.deepEqual(outcome, {
      same: true, entries: 30_000, count: 30_000, failures: ['EXISTS', 'CORRUPT', 'INVALID_ARGUMENT'], iterators: 0, stores: ['from', 'to'],
    })
  })

  test(`an import that is aborted leaves no store (${host})`, async (t) => {
    const page = await newPage(t)
    const outcome = await page.evaluate(async (host) => {
      const { list } = await import('/varve/index.js')
      const { beginHalfImport } = await import('/pages/half-import.js')
      const { controller, opening } = await beginHalfImport(host)
      controller.abort()
      return [await opening, await list({ host })]
    }, host)
    assert.deepEqual(outcome, ['ABORTED', []])
  })

  test(`an import whose page ends leaves no store (${host})`, async (t) => {
    const page = await newPage(t)
    await page.evaluate(async (host) => {
      const { beginHalfImport } = await import('/pages/half-import.js')
      await beginHalfImport(host)
    }, host)
    await page.reload()
    const outcome = await page.evaluate(async (host) => {
      const { open } = await import('/varve/index.js')
      const openWhenFree = async (options) => {
        for (let tries = 0; ; tries++) {
          try {
            return await open('half', { host, ...options })
          } catch (error) {
            if (error.code !== 'LOCKED' || tries === 100) return error.code
            await new Promise((resolve) => setTimeout(resolve, 20))
          }
        }
      }
      const missing = await openWhenFree({ createIfMissing: false })
      const store = await openWhenFree({ errorIfExists: true })
      const keys = await store.keys().toArray()
      await store.verify()
      await store.close()
      return { missing, keys }
    }, host)
    assert.deepEqual(outcome, { missing: 'NOT_FOUND', keys: [] })
  })
}
