import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../../../demo/serve.mjs'
import { launch, openPage } from '../harness/browser.mjs'

test('the playground leads to the reference, which works under its policy', async (t) => {
  const server = await serve()
  t.after(() => server.close())
  const { context } = await launch(t)
  const said = []
  context.on('console', (message) => said.push(message.text()))
  const page = await openPage(t, context, server.url)

  await page.getByRole('link', { name: 'the reference' }).click()
  await page.locator('a[href="modules/varve.html"]').click()
  await page.locator('a[href$="interfaces/varve.Store.html"]').filter({ visible: true }).first().click()
  await page.getByRole('heading', { name: 'Interface Store' }).waitFor()
  assert.match(await page.locator('body').innerText(), /Carries out many writes as one/)
  assert.deepEqual(said, [], 'on the console')
})
