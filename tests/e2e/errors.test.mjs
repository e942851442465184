import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen } from '../listen.mjs'
import { launch, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

async function newPage(t) {
  const url = await serve(t)
  const { context } = await launch(t)
  return openPage(t, context, url)
}

for (const host of ['worker', 'inline']) {
  test(`what can’t be done is refused with a typed error, and writes nothing (${host})`, async (t) => {
    const page = await newPage(t)
    const outcome = await page.evaluate(async (host) => {
      const { open } = await import('/varve/index.js')
      const { ON_A_CLOSED_STORE, ON_A_STORE, failures } = await import('/pages/misuse.js')
      const store = await open('misused', { host })
      const wrong = await failures(ON_A_STORE, store)
      const written = await store.keys().toArray()
      await store.close()
      return { written, wrong, closed: await failures(ON_A_CLOSED_STORE, store) }
    }, host)
    assert.deepEqual(outcome, { written: [], wrong: [], closed: [] })
  })
}

test('opening fails with a typed error, and leaves no store behind', async (t) => {
  const page = await newPage(t)
  const outcome = await page.evaluate(async () => {
    const varve = await import('/varve/index.js')
    const { OPENINGS, failures } = await import('/pages/misuse.js')
    await (await varve.open('existing')).close()
    const held = await varve.open('held')
    const wrong = await failures(OPENINGS, varve)
    await held.close()
    return { wrong, stores: await varve.list() }
  })
  assert.deepEqual(outcome, { wrong: [], stores: ['existing', 'held'] })
})

for (const host of ['worker', 'inline']) {
  test(`a wrong wasm file is named with what the server said of it (${host})`, async (t) => {
    const page = await newPage(t)
    const open = (wasmUrl) => page.evaluate(async ({ host, wasmUrl }) => {
      const { open } = await import('/varve/index.js')
      try {
        await (await open('wasm', { host, wasmUrl })).close()
        return 'opened'
      } catch (error) {
        return { name: error.name, message: error.message }
      }
    }, { host, wasmUrl: new URL(wasmUrl, page.url()).href })

    const page404 = await open('/varve/absent.wasm')
    assert.equal(page404.name, 'VarveError')
    assert.match(page404.message, /absent\.wasm.*404/s)

    const html = await open('/?fallback')
    assert.equal(html.name, 'VarveError')
    assert.match(html.message, /\?fallback.*text\/html/s)

    assert.equal(await open('/as-html/varve.wasm'), 'opened')
  })
}

for (const host of ['worker', 'inline']) {
  test(`a policy that forbids WebAssembly is named (${host})`, async (t) => {
    const url = await serve(t)
    const port = await listen(t, async (request, response) => {
      const answer = await fetch(new URL(request.url, url))
      const headers = { 'Content-Type': answer.headers.get('content-type'), 'Content-Security-Policy': "default-src 'self'; img-src data:" }
      response.writeHead(answer.status, headers).end(Buffer.from(await answer.arrayBuffer()))
    })
    const { context } = await launch(t)
    const page = await context.newPage() // to Firefox, what a policy blocks is an uncaught error as well
    t.after(() => page.close())
    await page.goto(`http://localhost:${port}/`)
    const failure = await page.evaluate(async (host) => {
      const { open } = await import('/varve/index.js')
      return open('forbidden', { host }).then(() => 'opened', ({ code, message }) => ({ code, message }))
    }, host)
    assert.equal(failure.code, 'UNSUPPORTED', failure.message)
    assert.match(failure.message, /wasm-unsafe-eval/)
  })
}
