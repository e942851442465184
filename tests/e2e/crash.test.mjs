import assert from 'node:assert/strict'
import { once, EventEmitter } from 'node:events'
import { test } from 'node:test'
import { launch, newProfile, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

const BATCHES_BEFORE_KILL = [60, 250, 25, 400]

for (const host of ['worker', 'inline']) {
  test(`a browser killed in mid-write keeps every acknowledged batch, each whole (${host})`, async (t) => {
    const profile = await newProfile(t)
    const acknowledged = { last: 0, heard: new EventEmitter() }
    const url = await serve(t, (n) => {
      acknowledged.last = Math.max(acknowledged.last, n)
      acknowledged.heard.emit('batch')
    })

    let kept = 0
    for (const batches of BATCHES_BEFORE_KILL) {
      const { context, kill } = await launch(t, profile)
      const page = await openPage(t, context, url)
      kept = await reopen(page, host)
      assert.ok(kept >= acknowledged.last, `${acknowledged.last} batches were acknowledged, ${kept} are there`)

      write(page, kept + 1)
      while (acknowledged.last < kept + batches) await once(acknowledged.heard, 'batch')
      await kill()
    }

    const { context } = await launch(t, profile)
    kept = await reopen(await openPage(t, context, url), host)
    assert.ok(kept >= acknowledged.last, `${acknowledged.last} batches were acknowledged, ${kept} are there`)
  })
}

/** Opens the store, and returns the number of the last of its batches, all of which are whole. */
function reopen(page, host) {
  return page.evaluate(async (host) => {
    const { open } = await import('/varve/index.js')
    const { lastWhole } = await import('/pages/crash.js')
    globalThis.store = await open('crash', { host, durability: 'relaxed', memoryBudget: 2 << 20 })
    return lastWhole(globalThis.store)
  }, host)
}

/** Writes until the browser is killed, with which the call fails. */
function write(page, first) {
  page.evaluate(async (first) => {
    const { writeOn } = await import('/pages/crash.js')
    await writeOn(globalThis.store, first)
  }, first).catch((error) => {
    if (!/closed/i.test(error.message)) throw error
  })
}
