import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

const MIB = 2 ** 20

/** Opens a page with a store "full", and returns functions that call those of pages/quota.js on it. */
async function openStore(t, quota) {
  const url = await serve(t)
  const { context } = await launch(t)
  const page = await openPage(t, context, url)
  const cdp = await context.newCDPSession(page)
  const grant = (bytes) => cdp.send('Storage.overrideQuotaForOrigin', { origin: new URL(url).origin, quotaSize: bytes })
  const reopen = () => page.evaluate(async () => {
    const { open } = await import('/varve/index.js')
    await globalThis.store?.close().catch((error) => {
      // What is in the log stays there.
      if (error.code !== 'NO_SPACE') throw error
    })
    globalThis.store = await open('full', { memoryBudget: 8 << 20, valueEncoding: 'view' })
  })
  const call = (name, ...args) => page.evaluate(async ({ name, args }) => {
    const quota = await import('/pages/quota.js')
    return quota[name](globalThis.store, ...args)
  }, { name, args })
  const ask = (method) => page.evaluate((method) => globalThis.store[method](), method)
  // Chromium asks for the quota every thirty seconds: it is to know it from the beginning.
  await grant(quota)
  await reopen()
  return { grant, reopen, call, ask }
}

test('a store that fills its quota is read, emptied, compacted and written again', async (t) => {
  const { grant, reopen, call, ask } = await openStore(t, 80 * MIB)
  const { end, code, fields } = await call('fill')
  assert.equal(code, 'NO_SPACE')
  assert.ok(fields.wanted > 0, `NO_SPACE tells what was wanted: ${JSON.stringify(fields)}`)
  assert.ok(end > 10_000, `${end} entries of 2,000 bytes are all that 80 MiB hold`)
  await call('readAll', 0, end)

  await reopen()
  await call('readAll', 0, end)

  // Chromium frees what is deleted only with what is written later, and until then counts it: it
  // may need a larger quota before it takes much again.
  const kept = Math.floor(end * 0.9)
  await call('deleteAll', 0, kept)
  await ask('compact')
  await call('readAll', kept, end)
  await ask('verify')

  await grant(400 * MIB)
  assert.deepEqual(await call('fill', end, 4000), { end: end + 4000 }, 'when space returns, writing goes on')
  await reopen()
  await call('readAll', kept, end + 4000)
  await ask('verify')
})
