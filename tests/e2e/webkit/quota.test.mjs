import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch, newProfile, openPage } from '../harness/browser.mjs'
import { serve } from '../harness/server.mjs'

const MIB = 2 ** 20

// WebKit counts what was deleted as before, so that not even the headroom comes back.
test('a store that fills its quota says so, and is read, also when it is opened again', async (t) => {
  const url = await serve(t)
  const profile = await newProfile(t)
  profile.quota = 20 * MIB
  const { context } = await launch(t, profile)
  const page = await openPage(t, context, url)
  const open = () => page.evaluate(async () => {
    const { open } = await import('/varve/index.js')
    globalThis.store = await open('full', { memoryBudget: 8 << 20, valueEncoding: 'view' })
  })
  const call = (name, ...args) => page.evaluate(async ({ name, args }) => {
    const quota = await import('/pages/quota.js')
    return quota[name](globalThis.store, ...args)
  }, { name, args })

  await open()
  const { end, code } = await call('fill')
  assert.equal(code, 'NO_SPACE')
  assert.ok(end > 2000, `${end} entries of 2,000 bytes are all that 20 MiB hold`)
  await call('readAll', 0, end)
  await page.reload()
  await open()
  await call('readAll', 0, end)
  const archived = await page.evaluate(async () => (await new Response(await globalThis.store.export()).arrayBuffer()).byteLength)
  assert.ok(archived > end * 2000, `an export has ${archived} bytes of ${end} entries`)
})
