// Starts Chromium as a process of our own, so that a test can kill it and start it again on the
// same profile, and drives it through playwright-core.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium } from 'playwright-core'

const executable = process.env.CHROMIUM || 'chromium'

const FLAGS = [
  '--headless',
  '--remote-debugging-port=0',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  // Chromium's sandbox does not work for root, as which containers run.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
]

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
 * Starts Chromium, on a profile of its own unless one is given. It ends with the profile's test.
 *
 * @returns {Promise<{ context: import('playwright-core').BrowserContext, kill(): Promise<void>, close(): Promise<void> }>}
 */
export async function launch(t, profile) {
  profile ??= await newProfile(t)
  const child = spawn(executable, [...FLAGS, `--user-data-dir=${profile.path}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  profile.kills.push(kill)
  const browser = await chromium.connectOverCDP(await debuggerAddress(child))
  const context = browser.contexts()[0]
  return {
    context,
    kill,
    /** Ends the browser in good order. */
    async close() {
      const session = await browser.newBrowserCDPSession()
      await session.send('Browser.close').catch(() => undefined)
      await exited
    },
  }
}

/** Chromium writes the address on which it listens to its standard error. */
async function debuggerAddress(child) {
  let written = ''
  child.stderr.setEncoding('utf8')
  const found = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`Chromium ended while starting:\n${written}`)))
    child.stderr.on('data', (text) => {
      written += text
      const address = /DevTools listening on (ws:\S+)/.exec(written)
      if (address) resolve(address[1])
    })
  })
  const late = sleep(60_000, undefined, { ref: false }).then(() => {
    throw new Error(`Chromium does not listen:\n${written}`)
  })
  return Promise.race([found, late])
}

/** Opens a page at a URL, whose uncaught errors fail the test. */
export async function openPage(t, context, url) {
  const page = await context.newPage()
  const errors = []
  page.on('pageerror', (error) => errors.push(error))
  t.after(() => {
    if (errors.length > 0) throw new AggregateError(errors, `uncaught in ${url}: ${errors[0]}`)
  })
  await page.goto(url)
  return page
}

