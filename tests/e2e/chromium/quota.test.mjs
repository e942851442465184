import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch, openPage } from '../harness/browser.mjs'
import { serve } from '../harness/server.mjs'

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
  const { end: full, code, fields } = await call('fill')
  assert.equal(code, 'NO_SPACE')
  assert.ok(fields.wanted > 0, `NO_SPACE tells what was wanted: ${JSON.stringify(fields)}`)
  assert.ok(full > 10_000, `${full} entries of 2,000 bytes are all that 80 MiB hold`)
  await call('readAll', 0, full)
  const { disk } = await ask('stats')
  assert.ok(disk.bytes > full * 1900 && disk.bytes < 90 * MIB, `${full} entries take ${disk.bytes} bytes`)
  assert.ok(disk.origin.usage > 0 && disk.origin.quota > 0)

  // However often it is tried, what space is left stays with those who delete.
  const more = await call('insist', full, 100)
  await call('readAll', 0, more)
  await reopen()
  const end = await call('insist', more, 100)
  await call('readAll', 0, end)

  // Chromium frees what is deleted only with what is written later, and until then counts it, even
  // beyond the quota that it set: at some point it may take nothing at all. Nothing is lost by that.
  const kept = Math.floor(end * 0.9)
  const deleted = await call('deleteAll', 0, kept)
  assert.ok(deleted > 0, 'the headroom is there for deletes')
  if (deleted === kept) await call('compact')
  await call('readAll', deleted, end)
  await ask('verify')

  await grant(400 * MIB)
  assert.equal(await call('deleteAll', deleted, kept), kept)
  assert.equal(await call('compact'), null)
  assert.deepEqual(await call('fill', end, 4000), { end: end + 4000 }, 'when space returns, writing goes on')
  await reopen()
  await call('readAll', kept, end + 4000)
  await ask('verify')
})
