import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../../../demo/serve.mjs'
import { openPage } from '../harness/browser.mjs'
import { playground } from '../harness/playground.mjs'
import { screenshot } from '../harness/screenshot.mjs'

const ALL = '171,075'

async function loadAll(page) {
  await page.getByRole('button', { name: `Load ${ALL} places` }).click()
  await page.getByText(`${ALL} stored`).waitFor({ timeout: 180_000 })
}

/** A compacted store has one entry for each place, and the number of those loaded. */
async function compactAndVerify(page) {
  await page.getByRole('button', { name: 'Compact' }).click()
  await page.getByText(/^Compacted in/).waitFor({ timeout: 60_000 })
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByText(/^All well: .* 171,076 entries checked/).waitFor({ timeout: 60_000 })
}

async function choose(page, verb) {
  await page.locator('.verbs label', { hasText: verb }).click()
}

async function answer(page, verb) {
  await page.locator('#run', { hasText: verb }).click()
  return page.locator('#answer')
}

test('the playground loads the places, finds them, and has them at once after a reload', async (t) => {
  const { page } = await playground(t)
  await screenshot(page, 'demo-before')
  await page.getByRole('button', { name: `Load ${ALL} places` }).click()
  await page.getByText('records a second').first().waitFor()
  await screenshot(page, 'demo-during')
  await page.getByText(`${ALL} stored`).waitFor({ timeout: 180_000 })

  const query = page.getByLabel('Name begins with')
  await query.fill('SAO PAULO')
  await page.getByRole('button', { name: 'São Paulo São Paulo, Brazil' }).waitFor()
  await query.fill('zürich')
  await page.getByRole('button', { name: 'Zürich Zurich, Switzerland' }).first().waitFor()
  await screenshot(page, 'demo-after')

  await page.reload()
  await page.getByText(`${ALL} stored`).waitFor()
  assert.equal(await page.locator('#welcome').isVisible(), false)
  assert.equal(await page.locator('#results li').count(), 100)

  await compactAndVerify(page)
  await page.setViewportSize({ width: 360, height: 740 })
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 360, 'wider than a phone')
  await page.emulateMedia({ colorScheme: 'dark' })
  await screenshot(page, 'demo-phone-dark')
})

test('a load that was stopped goes on where it stopped', async (t) => {
  const { page } = await playground(t)
  await page.getByRole('button', { name: `Load ${ALL} places` }).click()
  await page.waitForFunction(() => document.querySelector('#progress').value >= 10_000)
  await page.getByRole('button', { name: 'Stop' }).click()
  const stored = page.locator('#places-count')
  await page.getByRole('button', { name: 'Load the rest' }).waitFor()
  const before = Number(/[\d,]+/.exec(await stored.textContent())[0].replace(',', ''))
  assert.ok(before >= 10_000 && before < 171_075, `${before} loaded`)

  await page.reload()
  await page.getByRole('button', { name: 'Load the rest' }).click()
  await page.getByText(`${ALL} stored`).waitFor({ timeout: 180_000 })
  await compactAndVerify(page)
})

test('any key can be put, read, scanned and deleted', async (t) => {
  const { page } = await playground(t)
  await choose(page, 'put')
  await page.getByLabel('Key', { exact: true }).fill('note/é')
  await page.getByLabel('Value').fill('{"layers":12}')
  assert.match(await (await answer(page, 'put')).filter({ hasText: 'put' }).textContent(), /^put note\/é in [\d.]+ ms/)
  await choose(page, 'get')
  assert.match(await (await answer(page, 'get')).filter({ hasText: 'got' }).textContent(), /\{"layers":12\}/)

  await choose(page, 'scan')
  await page.getByLabel('From').fill('note/')
  await page.getByLabel('Up to').fill('note0')
  assert.match(await (await answer(page, 'scan')).filter({ hasText: 'entry' }).textContent(), /^1 entry in .*note\/é\{"layers":12\}$/)

  await choose(page, 'del')
  await (await answer(page, 'del')).filter({ hasText: 'deleted' }).waitFor()
  await choose(page, 'get')
  await (await answer(page, 'get')).filter({ hasText: 'nothing at note/é' }).waitFor()

  await page.getByLabel('Key', { exact: true }).fill('')
  await (await answer(page, 'get')).filter({ hasText: 'can’t be stored or looked up' }).waitFor()
})

test('what is put among the places, and is none, is found as what it is', async (t) => {
  const { page } = await playground(t)
  await page.getByRole('button', { name: `Load ${ALL} places` }).click()
  await page.waitForFunction(() => document.querySelector('#progress').value > 0)
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByRole('button', { name: 'Load the rest' }).waitFor()

  await choose(page, 'put')
  for (const [name, value] of [['a', '{"layers":12}'], ['b', 'sand'], ['c', 'null'], ['d', '{"name":"Half","country":"FR"}']]) {
    await page.getByLabel('Key', { exact: true }).fill(`place/0stray${name}`)
    await page.getByLabel('Value').fill(value)
    await (await answer(page, 'put')).filter({ hasText: `put place/0stray${name}` }).waitFor()
  }
  await page.getByLabel('Name begins with').fill('0stray')
  await page.getByText(/^4 entries in/).waitFor()
  assert.deepEqual(await page.locator('#results button').evaluateAll((all) => all.map((one) => one.innerText.split('\n'))), [
    ['place/0straya', '{"layers":12}'],
    ['place/0strayb', 'sand'],
    ['place/0strayc', 'null'],
    ['place/0strayd', '{"name":"Half","country":"FR"}'],
  ])
  await screenshot(page, 'demo-plain')
})

test('a scan asks for its limit, without which the other operations go on', async (t) => {
  const { page } = await playground(t)
  const limit = page.getByLabel('At most')
  for (const bad of ['', '0', '2000']) {
    await choose(page, 'scan')
    await limit.fill(bad)
    await page.locator('#run').click()
    assert.ok(await limit.evaluate((input) => input === document.activeElement && input.matches(':invalid')), 'what is asked for')
    assert.equal(await page.getByText('NaN').count(), 0)

    await choose(page, 'get')
    await page.getByLabel('Key', { exact: true }).fill(`after/${bad}`)
    await (await answer(page, 'get')).filter({ hasText: `nothing at after/${bad}` }).waitFor({ timeout: 5000 })
  }
})

test('a second tab says where the store is open, and opens it when that tab is gone', async (t) => {
  const { page, context, url } = await playground(t)
  await page.getByRole('button', { name: `Load ${ALL} places` }).waitFor()
  const second = await openPage(t, context, url)
  await second.getByRole('alert').getByText('open in another tab').waitFor()
  assert.equal(await second.getByText(/\bopen\b.*in another tab/).count(), 1, 'how often it is said')
  await screenshot(second, 'demo-locked')
  await page.close()
  await second.getByRole('button', { name: 'Try again' }).click()
  await second.getByRole('button', { name: `Load ${ALL} places` }).waitFor()
})

test('destroying asks first, and then leaves an empty store', async (t) => {
  const { page } = await playground(t)
  await loadAll(page)
  await page.getByRole('button', { name: 'Destroy' }).click()
  await page.getByRole('button', { name: 'Keep it' }).click()
  assert.equal(await page.locator('#places-count').textContent(), `${ALL} stored`)

  await page.getByRole('button', { name: 'Destroy' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Destroy' }).click()
  await page.getByRole('button', { name: `Load ${ALL} places` }).waitFor()
  await page.getByText('0 files, 0 B').waitFor()
})

test('destroying during a load ends that, and nothing is said of what is gone', async (t) => {
  const { page } = await playground(t)
  await choose(page, 'put')
  await (await answer(page, 'put')).filter({ hasText: 'put note/1' }).waitFor()
  await page.getByRole('button', { name: `Load ${ALL} places` }).click()
  await page.getByRole('button', { name: 'Destroy' }).click()
  await page.waitForFunction(() => document.querySelector('#progress').value >= 10_000)
  await page.getByRole('dialog').getByRole('button', { name: 'Destroy' }).click()
  await page.getByText(/^Destroyed in/).waitFor()
  await page.getByRole('button', { name: `Load ${ALL} places` }).waitFor()
  for (const old of ['#trouble', '#answer', '#search', '#loading']) assert.equal(await page.locator(old).isVisible(), false, old)
  for (const old of ['#places-count', '#loading-said']) assert.equal(await page.locator(old).textContent(), '', old)

  await loadAll(page)
  await compactAndVerify(page)
})

test('the server gives each file its type, its policy and its time in caches', async (t) => {
  const server = await serve()
  t.after(() => server.close())
  const page = await fetch(server.url)
  assert.equal(page.headers.get('content-type'), 'text/html;charset=utf-8')
  assert.equal(page.headers.get('cache-control'), 'no-cache')
  assert.match(page.headers.get('content-security-policy'), /script-src 'self' 'wasm-unsafe-eval'/)

  const main = /src="([^"]+\.js)"/.exec(await page.text())[1]
  const script = await fetch(new URL(main, server.url), { headers: { 'Accept-Encoding': 'br' } })
  assert.match(script.headers.get('content-type'), /^text\/javascript/)
  assert.match(script.headers.get('cache-control'), /immutable/)
  assert.equal(script.headers.get('content-encoding'), 'br')

  const name = /\/assets\/varve-\w+\.wasm/.exec(await script.text())[0]
  const wasm = await fetch(new URL(name, server.url), { headers: { 'Accept-Encoding': 'br' } })
  assert.equal(wasm.headers.get('content-type'), 'application/wasm')
  assert.equal(wasm.headers.get('content-encoding'), 'br')
  assert.ok(Number(wasm.headers.get('content-length')) < 610_000, 'larger than the README says')
  assert.equal((await fetch(new URL('/absent', server.url))).status, 404)
})
