import assert from 'node:assert/strict'
import { test } from 'node:test'
import { playground } from '../harness/playground.mjs'
import { screenshot } from '../harness/screenshot.mjs'

test('the playground leads to the reference, which works under its policy', async (t) => {
  const { page } = await playground(t)
  await page.getByRole('link', { name: 'the reference' }).click()
  await page.locator('a[href$="/modules/varve.html"]').click()
  await page.locator('a[href$="interfaces/varve.Store.html"]').filter({ visible: true }).first().click()
  await page.getByRole('heading', { name: 'Interface Store' }).waitFor()
  assert.match(await page.locator('body').innerText(), /Carries out many writes as one/)
})

test('the reference opens with the README of the package, in wide windows and on phones', async (t) => {
  const { page, url } = await playground(t)
  await page.goto(`${url}reference/`)
  const content = page.locator('.col-content')
  await content.getByRole('heading', { name: 'Recipes' }).waitFor()
  assert.equal(await content.getByRole('heading', { name: 'varve', exact: true }).count(), 1, 'titles')
  await page.locator('a[href="#errors"]').filter({ visible: true }).first().click()
  await content.getByRole('heading', { name: 'Errors' }).waitFor()
  await page.setViewportSize({ width: 360, height: 740 })
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 360, 'wider than a phone')
  await screenshot(page, 'reference')
})
