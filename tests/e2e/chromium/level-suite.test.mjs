import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch, openPage } from '../harness/browser.mjs'
import { serve } from '../harness/server.mjs'

test("abstract-level's own suite passes on stores in IndexedDB", async (t) => {
  let reported
  const report = new Promise((resolve) => (reported = resolve))
  const url = await serve(t, reported)
  const { context } = await launch(t)
  const page = await openPage(t, context, url)
  await page.evaluate(async () => {
    const { start } = await import('/bundled/level-suite.js')
    start().catch((error) => setTimeout(() => { throw error }))
  })
  const { ran, failures } = await report
  t.diagnostic(ran)
  assert.deepEqual(failures.slice(0, 10), [])
})
