import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
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

test('a store that another tab holds open in its own way is not destroyed, and the caller is told', async (t) => {
  const { first, second } = await twoTabs(t)
  await first.evaluate(async () => {
    await globalThis.store.close()
    const request = indexedDB.open('varve/shared')
    await new Promise((resolve) => (request.onsuccess = resolve))
    globalThis.database = request.result
  })
  const destroy = () => second.evaluate(async () => {
    const { destroy } = await import('/varve/index.js')
    return destroy('shared').then(() => 'destroyed', ({ code, message }) => ({ code, message }))
  })
  const { code, message } = await destroy()
  assert.equal(code, 'LOCKED')
  assert.match(message, /another tab or worker holds it open/)
  await first.evaluate(() => globalThis.database.close())
  assert.equal(await destroy(), 'destroyed')
})

test('a database that another tab deletes is let go, and those who use the store are told', async (t) => {
  const { first, second } = await twoTabs(t)
  const deleted = await second.evaluate(() => new Promise((resolve) => {
    const request = indexedDB.deleteDatabase('varve/shared')
    for (const event of ['success', 'blocked', 'error']) request.addEventListener(event, () => resolve(event))
  }))
  assert.equal(deleted, 'success', 'the store’s connection is closed when it is asked to')
  const codes = await first.evaluate(async () => {
    const codes = []
    for (const call of [() => store.put('greeting', 'again'), () => store.flush(), () => store.del('greeting')]) {
      codes.push(await call().then(() => 'no error', (error) => error.code))
    }
    await store.close().catch((error) => codes.push(error.code))
    return codes
  })
  assert.deepEqual(new Set(codes), new Set(['CLOSED']))
  assert.deepEqual(await second.evaluate(async () => (await import('/varve/index.js')).list()), [])
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
    await sleep(50)
  }
  assert.fail('still locked')
}
