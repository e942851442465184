import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { launch, openPage } from '../harness/browser.mjs'
import { serve } from '../harness/server.mjs'

// A store that was just loaded takes two to three times its size: its logs, and what was merged.
test('Chromium gives back what a load leaves behind, though nothing more is written', async (t) => {
  const { context } = await launch(t)
  const page = await openPage(t, context, await serve(t))
  await page.evaluate(async () => {
    const { open } = await import('/varve/index.js')
    globalThis.store = await open('loaded', { valueEncoding: 'view' })
    for (let i = 0; i < 100; i++) {
      await store.batch(Array.from({ length: 1000 }, (_, j) => ({
        type: 'put', key: `${i}/${j}`, value: crypto.getRandomValues(new Uint8Array(100)),
      })))
    }
    await store.flush()
  })
  const space = () => page.evaluate(async () => {
    const { usageDetails } = await navigator.storage.estimate()
    return { held: usageDetails.indexedDB, stored: (await store.stats()).disk.bytes }
  })
  let now
  for (const end = Date.now() + 60_000; Date.now() < end; await setTimeout(500)) {
    now = await space()
    if (now.held < 1.2 * now.stored) return
  }
  assert.fail(`${now.held} bytes are held for ${now.stored}`)
})
