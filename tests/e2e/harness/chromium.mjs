// Chromium, driven by playwright-core over the DevTools protocol: its contexts and pages are
// playwright's own, so that tests that run in Chromium alone have all of that.

import { chromium } from 'playwright-core'
import { addressWritten, start } from './process.mjs'

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

/**
 * Starts Chromium on a profile.
 *
 * @returns {Promise<{ context: import('playwright-core').BrowserContext, kill(): Promise<void>, close(): Promise<void> }>}
 */
export async function launchChromium(profile) {
  const { child, exited, kill } = start(profile, executable, [...FLAGS, `--user-data-dir=${profile.path}`, 'about:blank'])
  const address = await addressWritten(child, 'Chromium', /DevTools listening on (ws:\S+)/)
  const browser = await chromium.connectOverCDP(address)
  return {
    context: browser.contexts()[0],
    kill,
    async close() {
      const session = await browser.newBrowserCDPSession()
      await session.send('Browser.close').catch(() => undefined)
      await exited
    },
  }
}
