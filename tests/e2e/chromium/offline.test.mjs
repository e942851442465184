import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { serve } from '../../../demo/serve.mjs'
import { launch, openPage } from '../harness/browser.mjs'

const dist = fileURLToPath(new URL('../../../demo/dist', import.meta.url))

test('after the first visit, the playground opens without network, and has what was put', async (t) => {
  const { page, offline } = await visit(t)
  await page.getByText('put', { exact: true }).click()
  await page.locator('#run', { hasText: 'put' }).click()
  await page.locator('#answer', { hasText: 'put note/1 in' }).waitFor()

  await offline()
  const { length } = await page.evaluate(() => navigator.serviceWorker.getRegistrations())
  assert.equal(length, 1)
  assert.ok((await page.reload()).fromServiceWorker())
  await page.locator('#run', { hasText: 'get' }).click()
  await page.locator('#answer', { hasText: '{"layers":12}' }).waitFor()
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('main')).display), 'grid', 'its style')

  await page.getByRole('button', { name: 'Load' }).click()
  await page.getByRole('alert').getByText('the network is needed').waitFor()
})

test('the kept engine is of its type, and unpacked', async (t) => {
  const { page, offline } = await visit(t)
  await offline()
  await page.reload()
  const [magic, type] = await page.evaluate(async () => {
    const [name] = await caches.keys()
    const url = (await (await caches.open(name)).keys()).map((request) => request.url).find((url) => url.endsWith('.wasm'))
    const response = await fetch(url)
    return [[...new Uint8Array(await response.clone().arrayBuffer(), 0, 4)], response.headers.get('content-type')]
  })
  assert.deepEqual(magic, [0, 97, 115, 109])
  assert.equal(type, 'application/wasm')
})

test('a new build shows at the next reload, and replaces the kept one', async (t) => {
  const { page, folder, restart, offline } = await visit(t)
  const [before] = await kept(page)
  await rebuild(folder, 'second', before)
  await restart()
  await page.reload()
  assert.equal(await page.title(), 'second')
  for (const end = Date.now() + 10_000; Date.now() < end && (await kept(page)).includes(before);) await setTimeout(50)
  assert.deepEqual(await kept(page), ['playground-second'])
  await offline()
  await page.reload()
  assert.equal(await page.title(), 'second')
  await page.getByRole('button', { name: 'Load' }).waitFor()
})

test('of a build that lacks a file nothing is kept, and the one before stays', async (t) => {
  const { page, folder, restart, offline } = await visit(t)
  const title = await page.title()
  const missing = await rebuild(folder, 'broken', (await kept(page))[0])
  await rm(missing)
  await restart()
  await page.reload()
  assert.equal(await page.title(), 'broken')
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    await registration.update().catch(() => undefined)
    const { installing } = registration
    if (installing) await new Promise((failed) => installing.addEventListener('statechange', failed))
  })
  await offline()
  await page.reload()
  assert.equal(await page.title(), title)
  await page.getByRole('button', { name: 'Load' }).waitFor()
})

/** Opens a copy of the playground, and waits until that is kept. */
async function visit(t) {
  const folder = await mkdtemp(join(tmpdir(), 'varve-demo-'))
  t.after(() => rm(folder, { recursive: true }))
  await cp(dist, folder, { recursive: true, filter: (path) => !path.endsWith('/reference') })
  let server = await serve({ folder })
  t.after(() => server.close())
  const port = Number(new URL(server.url).port)
  const { context } = await launch(t)
  const page = await openPage(t, context, server.url)
  await page.getByRole('button', { name: 'Load' }).waitFor()
  await page.evaluate(() => Promise.race([
    navigator.serviceWorker.ready,
    new Promise((_, late) => setTimeout(() => late(new Error('the page is not kept')), 10_000)),
  ]))
  return {
    page,
    folder,
    async restart() {
      await server.close()
      server = await serve({ port, folder })
    },
    /** What the browser's ordinary cache has is not to help. */
    async offline() {
      await (await context.newCDPSession(page)).send('Network.clearBrowserCache')
      await context.setOffline(true)
      await server.close() // a service worker is not told of setOffline
    },
  }
}

/** The names of the caches. */
function kept(page) {
  return page.evaluate(() => caches.keys())
}

/**
 * Gives the page of a build another title, and with it another name, as the build gets.
 * Returns the path of the page's copy for later.
 */
async function rebuild(folder, title, cache) {
  const assets = join(folder, 'assets')
  const old = (await readdir(assets)).find((name) => /^index-\w+\.html$/.test(name))
  const copy = join(assets, `index-${title}.html`)
  await rename(join(assets, old), copy)
  for (const path of [join(folder, 'index.html'), copy]) {
    await rewrite(path, (text) => text.replace(/<title>.*?<\/title>/, `<title>${title}</title>`))
  }
  const build = cache.replace('playground-', '')
  await rewrite(join(folder, 'service-worker.js'), (text) => text.replaceAll(old, `index-${title}.html`).replace(build, title))
  return copy
}

async function rewrite(path, change) {
  await writeFile(path, change(await readFile(path, 'utf8')))
  for (const packed of ['br', 'gz']) await rm(`${path}.${packed}`, { force: true })
}
