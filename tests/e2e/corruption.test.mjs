import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

const DAMAGES = [
  { what: 'a changed byte in a table', how: 'flip', file: '\\.ldb$', compacted: true, code: 'CORRUPT' },
  { what: 'a changed byte in the log', how: 'flip', file: '\\.log$', compacted: false, code: 'CORRUPT' },
  { what: 'a changed byte in the manifest', how: 'flip', file: '^MANIFEST-', compacted: true, code: 'CORRUPT' },
  { what: 'a missing page of a table', how: 'removeRecord', file: '\\.ldb$', compacted: true, code: 'CORRUPT' },
  { what: 'a missing table', how: 'remove', file: '\\.ldb$', compacted: true, code: 'CORRUPT' },
  { what: 'a missing manifest', how: 'remove', file: '^MANIFEST-', compacted: true, code: 'CORRUPT' },
]

test('damage behind the store’s back is reported with its code, and never read as data', async (t) => {
  const url = await serve(t)
  const { context } = await launch(t)
  const page = await openPage(t, context, url)

  for (const { what, how, file, compacted, code } of DAMAGES) {
    await t.test(what, async () => {
      const codes = await page.evaluate(async ({ how, file, compacted, name }) => {
        const { open } = await import('/varve/index.js')
        const raw = await import('/pages/raw.js')
        const value = (i) => `value ${i} `.repeat(20)
        const keys = Array.from({ length: 500 }, (_, i) => `key ${String(i).padStart(4, '0')}`)

        const store = await open(name)
        for (const [i, key] of keys.entries()) await store.put(key, value(i))
        if (compacted) await store.compact()
        await store.close()
        await raw[how](name, file)

        const codes = []
        const attempt = async (what) => {
          try {
            return await what()
          } catch (error) {
            codes.push(error.code)
          }
        }
        const damaged = await attempt(() => open(name))
        if (!damaged) return codes
        for (const [i, key] of keys.entries()) {
          const got = await attempt(() => damaged.get(key))
          if (got !== undefined && got !== value(i)) throw new Error(`${key} is read as ${got}`)
        }
        await attempt(() => damaged.verify())
        await damaged.close().catch(() => undefined)
        return codes
      }, { how, file, compacted, name: what })

      assert.ok(codes.length > 0, 'nobody noticed')
      assert.deepEqual([...new Set(codes)], [code])
    })
  }
})

const LOSSES = [['files'], ['pages'], ['meta'], ['files', 'pages'], ['meta', 'files', 'pages']]

test('a database that was wiped is reported as damaged, and never taken for a new store', async (t) => {
  const url = await serve(t)
  const { context } = await launch(t)
  const page = await openPage(t, context, url)
  for (const lost of LOSSES) {
    const code = await page.evaluate(async (lost) => {
      const { open } = await import('/varve/index.js')
      const raw = await import('/pages/raw.js')
      const name = `without ${lost}`
      const store = await open(name)
      await store.put('key', 'value')
      await store.close()
      await raw.empty(name, lost)
      return open(name).then(() => 'opened', (error) => error.code)
    }, lost)
    assert.equal(code, 'CORRUPT', `without ${lost}`)
  }
})
