// Firefox, driven by puppeteer-core over WebDriver BiDi. Of puppeteer's pages, tests use what they
// have in common with playwright's.

import puppeteer from 'puppeteer-core'
import { addressWritten, start } from './process.mjs'

const executable = process.env.FIREFOX || 'firefox-esr'

/** Starts Firefox on a profile. */
export async function launchFirefox(profile) {
  const { child, exited, kill } = start(profile, executable, [
    '--headless',
    '--no-remote',
    '--remote-debugging-port=0',
    '--profile', profile.path,
    'about:blank',
  ])
  const address = await addressWritten(child, 'Firefox', /WebDriver BiDi listening on (ws:\S+)/)
  const browser = await puppeteer.connect({
    browserWSEndpoint: `${address}/session`,
    protocol: 'webDriverBiDi',
    protocolTimeout: 0, // a test may take as long as its runner lets it
  })
  return {
    context: { newPage: () => browser.newPage() },
    kill,
    async close() {
      await browser.close()
      await exited
    },
  }
}
