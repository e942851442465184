import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { hostPage } from '../browser/host.mjs'
import { engine, launch, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

// gotest.sh runs the same where there is no such host.
test('idbfs passes its tests, conformance and faults, on the host that the package has', async (t) => {
  const { run } = await hostPage(t)
  await run(['-test.timeout=100s'])
  // What can't be shown from within: see the test of that name.
  const failing = run(['-test.run=TestLibraryEndsTheProgramWhenAnUpgradeFails', '-idbfs.upgrade-fails'])
  await assert.rejects(failing, /exit code 2.*panic: the upgrade failed/s)
})

// Each call goes wrong in one of seven ways, in which one is left to chance. FAULT_STRIDE=1: in each.
const STRIDE = Number(process.env.FAULT_STRIDE ?? 7)
const FIRST = randomInt(STRIDE)

// Each session is an engine of its own, in the page: a page has room for some dozens.
const SESSIONS_A_PAGE = 40

test('whatever call of IndexedDB goes wrong, what was acknowledged is there and what failed is not', async (t) => {
  const url = await serve(t)
  const { context } = await launch(t)
  const page = await openPage(t, context, url)
  const faults = await page.evaluate(async () => Object.keys((await import('/pages/api-faults.js')).FAULTS))
  await page.close()
  assert.equal(faults.length, 7)
  // When WebKit itself closes a connection, it ends the transactions; when the page does after it
  // has aborted some, they stay for ever, and whoever opens the database again waits for them.
  const injected = engine === 'webkit' ? faults.filter((fault) => fault !== 'comes as the connection closes') : faults
  for (const [i, fault] of injected.entries()) {
    await t.test(`a call ${fault}`, async (t) => {
      let progress = { index: (FIRST + i) % STRIDE, codes: {}, hits: {} }
      while (!progress.finished) {
        const page = await openPage(t, context, url)
        progress = await page.evaluate(run, { fault, progress, stride: STRIDE, sessions: SESSIONS_A_PAGE })
        await page.close()
      }
      t.diagnostic(JSON.stringify({ calls: progress.index, codes: progress.codes, hits: progress.hits }))
      assert.ok(progress.index > 100, `a session makes ${progress.index} calls`)
    })
  }
})

/** In the page: sessions on a store, each with the fault at a later call, until there are no more calls. */
async function run({ fault, progress, stride, sessions }) {
  const { Subject } = await import('/pages/faulty-sessions.js')
  const { codes, hits } = progress
  let { index } = progress
  const subject = new Subject(fault, progress.state)
  for (; sessions > 0; sessions--, index += stride) {
    const stuck = new Promise((_, reject) => setTimeout(reject, 20_000, new Error('it hangs')))
    const outcome = await Promise.race([subject.session(fault, index), stuck]).catch((error) => {
      throw new Error(`with a fault at call ${index}, in ${subject.doing}: ${error.stack ?? error}`)
    })
    if (outcome.hit === undefined) {
      await subject.destroy()
      return { finished: true, index, codes, hits }
    }
    hits[outcome.hit] = (hits[outcome.hit] ?? 0) + 1
    for (const code of outcome.codes) codes[code] = (codes[code] ?? 0) + 1
  }
  return { index, codes, hits, state: subject.state }
}
