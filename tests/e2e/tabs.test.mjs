import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

async function twoTabs(t) {
  const url = await serve(t)
  const { context } = await launch(t)
  const [first, second] = [await openPage(t, context, url), await openPage(t, context, url)]
  await first.evaluate(async () => {
    const { open } = await import('/varve/index.js')
    globalThis.store = await open('shared')
    await globalThis.store.put('greeting', 'hello')
  })
  return { first, second }
}

/** What open says in a page: the code of its error, or the value at "greeting". */
function greeting(page) {
  return page.evaluate(async () => {
    const { open } = await import('/varve/index.js')
    try {
      const store = await open('shared')
      const value = await store.get('greeting')
      await store.close()
      return value
    } catch (error) {
      return error.code
    }
  })
}

test('a second tab is told that the store is locked, and opens it once the first has closed it', async (t) => {
  const { first, second } = await twoTabs(t)
  assert.equal(await greeting(second), 'LOCKED')
  await first.evaluate(() => globalThis.store.close())
  assert.equal(await greeting(second), 'hello')
})

test('a tab that goes away leaves the store to the next', async (t) => {
  const { first, second } = await twoTabs(t)
  await first.close()
  await assert.doesNotReject(untilUnlocked(second))
})

/** The browser releases a dead tab's lock in its own time. */
async function untilUnlocked(page) {
  for (let tries = 0; tries < 100; tries++) {
    const said = await greeting(page)
    if (said === 'hello') return
    assert.equal(said, 'LOCKED')
    await page.waitForTimeout(50)
  }
  assert.fail('still locked')
}
