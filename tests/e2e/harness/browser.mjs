// Starts the browser that $BROWSER names (chromium, firefox or webkit; Chromium unless it is set)
// as a process of our own, so that a test can kill it and start it again on the same profile.
//
// What all three have is what tests may use that run in each: a context with newPage, and pages
// with goto, reload, url, evaluate (of a function and one JSON argument), close, and the event
// "pageerror". A test that needs more of playwright's stands in chromium/, one that is about WebKit
// alone in webkit/.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** The engine that the tests run in. */
export const engine = process.env.BROWSER || 'chromium'

const LAUNCHERS = {
  chromium: async () => (await import('./chromium.mjs')).launchChromium,
  firefox: async () => (await import('./firefox.mjs')).launchFirefox,
  webkit: async () => (await import('./webkit.mjs')).launchWebKit,
}

/** A new profile, removed when the test ends, after the browsers that were started on it. */
export async function newProfile(t) {
  const profile = { path: await mkdtemp(join(tmpdir(), 'varve-profile-')), kills: [] }
  t.after(async () => {
    for (const kill of profile.kills) await kill()
    await rm(profile.path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  })
  return profile
}

/**
 * Starts the browser, on a profile of its own unless one is given. It ends with the profile's test.
 * `kill` ends it as a crash does, `close` in good order.
 */
export async function launch(t, profile) {
  const launcher = LAUNCHERS[engine]
  if (!launcher) throw new Error(`BROWSER is ${engine}; it is one of ${Object.keys(LAUNCHERS).join(', ')}`)
  if (profile) return (await launcher())(profile)
  return engine === 'chromium' ? launch(t, await newProfile(t)) : { context: (await common()).context }
}

// Firefox and WebKit start slowly, so that tests of a file share one. Each test's server is an
// origin of its own.
const ends = []
if (engine !== 'chromium') {
  after(async () => {
    for (const end of ends) await end()
  })
}
let common = () => {
  const browser = newProfile({ after: (end) => ends.push(end) }).then((profile) => launch(undefined, profile))
  common = () => browser
  return browser
}

/** Opens a page at a URL, whose uncaught errors fail the test. */
export async function openPage(t, context, url) {
  const page = await context.newPage()
  const errors = []
  page.on('pageerror', (error) => errors.push(error))
  t.after(async () => {
    await page.close().catch(() => undefined) // unless the test or the browser has ended it
    if (errors.length > 0) throw new AggregateError(errors, `uncaught in ${url}: ${errors[0]}`)
  })
  await page.goto(url)
  return page
}

/** Goes back in a page's history, maybe to the very page that was left. */
export async function goBack(page) {
  // Playwright waits for a "load" that a page from the cache does not have.
  await page.goBack({ waitUntil: engine === 'chromium' ? 'commit' : 'load' })
}
