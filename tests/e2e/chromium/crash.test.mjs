import assert from 'node:assert/strict'
import { appendFile, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { launch, newProfile, openPage } from '../harness/browser.mjs'
import { serve } from '../harness/server.mjs'

/** The files of Chromium's own LevelDB in a profile, whose names end so. */
async function files(profile, end) {
  const databases = join(profile.path, 'Default', 'IndexedDB')
  const paths = []
  for (const directory of await readdir(databases)) {
    for (const name of await readdir(join(databases, directory))) {
      if (name.endsWith(end)) paths.push(join(databases, directory, name))
    }
  }
  return paths
}

/** Puts a value into the store, and returns the one that was there. The store is closed if `end` says so. */
function exchange(page, value, end = 'left open') {
  return page.evaluate(async ({ value, end }) => {
    const { open } = await import('/varve/index.js')
    const store = await open('crash')
    const before = await store.get('key')
    await store.put('key', value, { durability: 'strict' })
    if (end === 'closed') await store.close()
    return before
  }, { value, end })
}

/** What comes of opening the store: its value, or the error's code and message. */
function attempt(page, options = {}) {
  return page.evaluate(async (options) => {
    const { open } = await import('/varve/index.js')
    try {
      const store = await open('crash', options)
      const value = await store.get('key')
      await store.close()
      return value ?? 'nothing'
    } catch ({ code, message }) {
      return `${code}: ${message}`
    }
  }, options)
}

// Chromium's LevelDB goes on in the log that it finds. Behind a record of which a crash left a part,
// all that follows is damage to it, and the next start throws all databases of the origin away.
// That may be of another database: then the store itself was closed.
for (const end of ['left open', 'closed']) {
  test(`what Chromium’s LevelDB wrote in part when it was killed costs a store that was ${end} nothing when it is killed again`, async (t) => {
    const profile = await newProfile(t)
    const url = await serve(t)
    let browser = await launch(t, profile)
    assert.equal(await exchange(await openPage(t, browser.context, url), 'first', end), undefined)
    await browser.kill()

    const [log] = await files(profile, '.log')
    const lengthOfMore = [0x50, 0x01]
    await appendFile(log, Uint8Array.of(1, 2, 3, 4, ...lengthOfMore, 1, 9, 9, 9))

    browser = await launch(t, profile)
    assert.equal(await exchange(await openPage(t, browser.context, url), 'second'), 'first')
    const giveUp = Date.now() + 10_000
    while ((await files(profile, '.log')).includes(log) && Date.now() < giveUp) await sleep(50)
    await browser.kill()

    browser = await launch(t, profile)
    assert.equal(await exchange(await openPage(t, browser.context, url), 'third'), 'second')
  })
}

test('a store that Chromium threw away as damaged is not taken for a new one', async (t) => {
  const profile = await newProfile(t)
  const url = await serve(t)
  let browser = await launch(t, profile)
  await exchange(await openPage(t, browser.context, url), 'lost')
  await browser.kill()

  const [log] = await files(profile, '.log')
  const bytes = await readFile(log)
  bytes[bytes.length >> 1] ^= 1
  await writeFile(log, bytes)

  browser = await launch(t, profile)
  let page = await openPage(t, browser.context, url)
  assert.match(await attempt(page, { createIfMissing: false }), /^CORRUPT: .*the browser/)
  await page.reload()
  assert.match(await attempt(page), /^CORRUPT: /)
  await browser.kill()

  browser = await launch(t, profile)
  page = await openPage(t, browser.context, url)
  assert.match(await attempt(page), /^CORRUPT: /)
  await page.evaluate(async () => {
    const { destroy } = await import('/varve/index.js')
    await destroy('crash')
  })
  assert.equal(await attempt(page), 'nothing')
})
