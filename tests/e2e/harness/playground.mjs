import assert from 'node:assert/strict'
import { serve } from '../../../demo/serve.mjs'
import { launch, openPage } from './browser.mjs'

/** Opens the playground, in which nothing may be said on the console. */
export async function playground(t) {
  const server = await serve()
  t.after(() => server.close())
  const { context } = await launch(t)
  const said = []
  context.on('console', (message) => said.push(message.text()))
  const page = await openPage(t, context, server.url)
  await page.setViewportSize({ width: 1280, height: 800 })
  t.after(() => assert.deepEqual(said, [], 'on the console'))
  return { page, context, url: server.url }
}
