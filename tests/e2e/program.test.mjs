import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { launch, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

const STEPS = 600

const CONFIGURATIONS = [
  { host: 'worker', durability: 'relaxed', memoryBudget: 1 << 20 },
  { host: 'worker', durability: 'deferred', memoryBudget: 32 << 20 },
  { host: 'inline', durability: 'relaxed', memoryBudget: 1 << 20 },
  { host: 'inline', durability: 'strict', memoryBudget: 4 << 20 },
]

// SEED=n runs the programs of one seed again.
const seed = Number(process.env.SEED ?? randomInt(2 ** 31))

test(`random programs give what a sorted map gives (SEED=${seed})`, async (t) => {
  const url = await serve(t)
  const { context } = await launch(t)
  for (const [i, options] of CONFIGURATIONS.entries()) {
    await t.test(JSON.stringify(options), async (t) => {
      const page = await openPage(t, context, url)
      const failure = await page.evaluate(async ({ seed, steps, options }) => {
        const { check } = await import('/pages/run-program.js')
        return check(seed, steps, options)
      }, { seed: seed + i, steps: STEPS, options })
      if (failure) assert.fail(`SEED=${seed}: ${failure.failure}\nThe least program found: ${failure.program}`)
      await page.close()
    })
  }
})
