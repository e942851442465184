import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { launch, newProfile, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

const KILLS = Number(process.env.KILLS ?? 50)
const LONGEST = 900 // milliseconds that a browser may write

// The profile grows with each kill, so that all stages of a store's life are met: logs alone,
// flushes, compactions over several levels.
test(`a browser killed ${KILLS} times in mid-write keeps every acknowledged batch whole, and of the deferred ones a prefix`, async (t) => {
  const profile = await newProfile(t)
  let acknowledged = 0
  const url = await serve(t, (n) => (acknowledged = Math.max(acknowledged, n)))

  let kept = 0
  for (let kill = 0; kill <= KILLS; kill++) {
    const browser = await launch(t, profile)
    const page = await openPage(t, browser.context, url)
    const found = await reopen(page, kill % 2 === 0 ? 'worker' : 'inline')
    assert.ok(found >= acknowledged, `after ${kill} kills: batch ${acknowledged} was acknowledged, the last is ${found}`)
    kept = found
    if (kill === KILLS) break
    const written = write(page, kept + 1)
    await sleep(Math.random() * LONGEST)
    await browser.kill()
    await written
  }
  assert.ok(acknowledged > KILLS, `only ${acknowledged} batches were written between ${KILLS} kills`)
})

/** Opens the store, and returns the number of the last of its batches, all of which are whole. */
function reopen(page, host) {
  return page.evaluate(async (host) => {
    const { open } = await import('/varve/index.js')
    const { lastWhole } = await import('/pages/kill.js')
    globalThis.store = await open('kill', { host, memoryBudget: 2 << 20 })
    return lastWhole(globalThis.store)
  }, host)
}

/** Writes until the browser is killed, with which the call fails. */
async function write(page, first) {
  await page.evaluate(async (first) => {
    const { writeOn } = await import('/pages/kill.js')
    await writeOn(globalThis.store, first)
  }, first).catch((error) => {
    if (!/closed/i.test(error.message)) throw error
  })
}
