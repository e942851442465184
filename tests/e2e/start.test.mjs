// How an engine in a worker comes to run.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen } from '../listen.mjs'
import { launch, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

const STRICT = "default-src 'self'; img-src data:"

/**
 * Opens a page whose answers pass `answer`, and a store in it. Returns what became of that. An answer
 * is headers, with a `body` if it takes the place of what is there.
 */
async function openStore(t, answer, options) {
  const url = await serve(t)
  const port = await listen(t, async (request, response) => {
    const given = await fetch(new URL(request.url, url))
    const headers = { 'Content-Type': given.headers.get('content-type'), 'Cache-Control': 'no-store' }
    const { body = Buffer.from(await given.arrayBuffer()), ...others } = await answer(request.url)
    response.writeHead(given.status, { ...headers, ...others }).end(body)
  })
  const { context } = await launch(t)
  const page = await context.newPage() // to Firefox, what a policy blocks is an uncaught error as well
  t.after(() => page.close())
  await page.goto(`http://localhost:${port}/`)
  return page.evaluate(async (options) => {
    const { open } = await import('/varve/index.js')
    try {
      const store = await open('started', options)
      await store.put('key', 'value')
      const value = await store.get('key')
      await store.close()
      return value
    } catch (error) {
      return String(error)
    }
  }, options)
}

test('the engine is fetched while its worker starts', async (t) => {
  let asked
  const engine = new Promise((resolve) => (asked = resolve))
  let before
  const outcome = await openStore(t, async (path) => {
    if (path.endsWith('.wasm')) asked('the engine')
    if (path.endsWith('worker.js')) before = await Promise.race([engine, sleep(3000, 'nothing', { ref: false })])
    return {}
  })
  assert.equal(outcome, 'value')
  assert.equal(before, 'the engine', 'is asked for before the worker runs')
})

test('a page whose policy forbids WebAssembly leaves it to a worker that may', async (t) => {
  const outcome = await openStore(t, (path) => {
    const worker = path.endsWith('worker.js')
    return { 'Content-Security-Policy': worker ? `${STRICT}; script-src 'self' 'wasm-unsafe-eval'` : STRICT }
  })
  assert.equal(outcome, 'value')
})

// What is sent to a worker before it listens is lost, if its script has come to its end by then.
test('a worker may load its script late', async (t) => {
  const late = "setTimeout(() => import('/varve/worker.js'), 300)"
  const outcome = await openStore(t, (path) => (path.endsWith('late.js') ? { body: late } : {}), { workerUrl: '/varve/index.js?late.js' })
  assert.equal(outcome, 'value')
})

for (const host of ['worker', 'inline']) {
  test(`relative URLs are those of the page, as to fetch (${host})`, async (t) => {
    const { context } = await launch(t)
    const page = await openPage(t, context, await serve(t))
    assert.equal(await page.evaluate(async (host) => {
      const { open } = await import('/varve/index.js')
      document.head.append(Object.assign(document.createElement('base'), { href: '/varve/' }))
      history.pushState({}, '', '/shifts/today/42')
      const store = await open('based', { host, wasmUrl: 'varve.wasm', workerUrl: 'worker.js' })
      await store.put('key', host)
      const value = await store.get('key')
      await store.close()
      return value
    }, host), host)
  })
}
