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
  await cdp.send('Storage.overrideQuotaForOrigin', { origin: new URL(url).origin, quotaSize: quota })
  await reopen()
  return { reopen, call, ask }
}

test('a store that fills its quota is read, emptied, compacted and written again', async (t) => {
  const { reopen, call, ask } = await openStore(t, 80 * MIB)
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

  assert.equal(await call('deleteAll', 0, end), end)
  assert.equal(await call('compact'), null)
  await call('readAll', end, end)
  await ask('verify')

  const again = await call('fill', end)
  assert.equal(again.code, 'NO_SPACE')
  assert.ok(again.end - end > full / 2, `${again.end - end} entries are all that it holds now, after ${full}`)
  await call('readAll', end, again.end)
  await reopen()
  await ask('verify')
})
