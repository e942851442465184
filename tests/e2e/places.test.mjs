import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

test('every place loaded is read back, also after a reload and after a compaction', async (t) => {
  const url = await serve(t)
  const { context } = await launch(t)
  const page = await openPage(t, context, url)

  const loaded = await page.evaluate(async () => {
    const { open } = await import('/varve/index.js')
    const { differences, load, source } = await import('/pages/places.js')
    const places = await source()
    const store = await open('places')
    await load(store, places)
    return { count: places.length, differences: await differences(store, places) }
  })
  assert.ok(loaded.count > 100_000, `${loaded.count} places`)
  assert.deepEqual(loaded.differences, [])

  await page.reload()
  const reloaded = await page.evaluate(async () => {
    const { open } = await import('/varve/index.js')
    const { differences, key, source } = await import('/pages/places.js')
    const places = await source()
    const store = await open('places', { createIfMissing: false })
    const scanned = await differences(store, places)
    await store.compact()
    const compacted = await differences(store, places)

    const wanted = places.map((place, i) => [key(place, i), place]).filter((_, i) => i % 97 === 0)
    const got = await store.getMany(wanted.map(([k]) => k))
    const wrong = wanted.filter(([, place], i) => JSON.stringify(got[i]) !== JSON.stringify(place))

    const report = await store.verify()
    await store.close()
    return { scanned, compacted, wrong, entries: report.entries }
  })
  assert.deepEqual(reloaded.scanned, [])
  assert.deepEqual(reloaded.compacted, [])
  assert.deepEqual(reloaded.wrong, [])
  assert.equal(reloaded.entries, loaded.count)
})
