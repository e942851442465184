import assert from 'node:assert/strict'
import { test } from 'node:test'
import { playground } from '../harness/playground.mjs'

test('the playground leads to the reference, which works under its policy', async (t) => {
  const { page } = await playground(t)
  await page.getByRole('link', { name: 'the reference' }).click()
  await page.locator('a[href="modules/varve.html"]').click()
  await page.locator('a[href$="interfaces/varve.Store.html"]').filter({ visible: true }).first().click()
  await page.getByRole('heading', { name: 'Interface Store' }).waitFor()
  assert.match(await page.locator('body').innerText(), /Carries out many writes as one/)
})
