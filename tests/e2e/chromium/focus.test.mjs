import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPage } from '../harness/browser.mjs'
import { playground } from '../harness/playground.mjs'

const LOAD = /^Load [\d,]+ places$/

/** Waits until a frame was shown: what is hidden or disabled loses the focus with the next one. */
async function focusedIs(page, id) {
  const focused = () => page.evaluate(() => new Promise((shown) => {
    requestAnimationFrame(() => setTimeout(() => shown(document.activeElement.id)))
  }))
  let last
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    last = await focused()
    if (last === id) return
  }
  assert.equal(last, id, 'the element that has the focus')
}

async function press(page, name) {
  const button = page.getByRole('button', { name })
  await button.waitFor()
  await button.press('Enter')
}

test('whoever loads by keyboard comes from Load to Stop, on to the rest, and at the end to the places', async (t) => {
  const { page } = await playground(t)
  await press(page, LOAD)
  await focusedIs(page, 'cancel')
  await page.waitForFunction(() => document.querySelector('#progress').value > 0)
  await page.keyboard.press('Enter')
  await focusedIs(page, 'load')
  await page.keyboard.press('Enter')
  await focusedIs(page, 'cancel')
  await page.getByText('places loaded, in').waitFor({ timeout: 180_000 })
  await focusedIs(page, 'places')
  await page.keyboard.press('Tab')
  await focusedIs(page, 'query')
})

test('the end of a load leaves the focus where it was put meanwhile', async (t) => {
  const { page } = await playground(t)
  await press(page, LOAD)
  await page.getByLabel('Name begins with').fill('a')
  await page.getByText('places loaded, in').waitFor({ timeout: 180_000 })
  await page.locator('#welcome').waitFor({ state: 'hidden' })
  await focusedIs(page, 'query')
})

test('the buttons of the upkeep keep the focus, and do not take it back', async (t) => {
  const { page } = await playground(t)
  await page.getByRole('button', { name: LOAD }).waitFor()
  for (const [name, done] of [['Compact', /^Compacted in/], ['Verify', /^All well/]]) {
    await press(page, name)
    await page.getByText(done).waitFor()
    await focusedIs(page, name.toLowerCase())
  }
  await press(page, 'Destroy')
  await page.getByRole('dialog').getByRole('button', { name: 'Destroy' }).press('Enter')
  await focusedIs(page, 'destroy')
  await page.getByText(/^Destroyed in/).waitFor()
  await focusedIs(page, 'destroy')

  await page.evaluate(() => {
    document.querySelector('#verify').click()
    document.querySelector('#key').focus()
  })
  await page.getByText(/^All well/).waitFor()
  await focusedIs(page, 'key')
})

test('trying again leads to the same button, or into the store that has opened', async (t) => {
  const { page, context, url } = await playground(t)
  await page.getByRole('button', { name: LOAD }).waitFor()
  const second = await openPage(t, context, url)
  const again = second.getByRole('button', { name: 'Try again' })
  await again.evaluate((button) => { button.id = 'first' })
  await again.press('Enter')
  await second.waitForFunction(() => document.querySelector('#trouble button:focus:not(#first)'))
  await page.close()
  await again.press('Enter')
  await second.getByRole('button', { name: LOAD }).waitFor()
  await focusedIs(second, 'places')
})
