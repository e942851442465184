// Runs in the page: an import that gets most of its archive, and then waits for the rest for ever.

import { open } from '/varve/index.js'

/** Resolves when the engine has taken what there is. */
export async function beginHalfImport(host) {
  const store = await open('source', { host: 'inline', storage: 'memory' })
  await store.batch(Array.from({ length: 30_000 }, (_, i) => ({ type: 'put', key: `k${i}`, value: crypto.randomUUID() })))
  const archive = await new Response(store.export()).blob()
  await store.close()
  const reader = archive.slice(0, archive.size - 3000).stream().getReader()
  const controller = new AbortController()
  let opening
  await new Promise((taken) => {
    const from = new ReadableStream({
      async pull(stream) {
        const { done, value } = await reader.read()
        if (!done) return stream.enqueue(value)
        taken()
        return new Promise(() => undefined)
      },
    }, { highWaterMark: 0 })
    opening = open('half', { host, from, signal: controller.signal }).catch((error) => error.code)
  })
  return { opening, controller }
}
