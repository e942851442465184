import assert from 'node:assert/strict'
import { test } from 'node:test'
import { launch, openPage } from './harness/browser.mjs'
import { serve } from './harness/server.mjs'

async function newPage(t) {
  const url = await serve(t)
  const { context } = await launch(t)
  return { page: await openPage(t, context, url), another: () => openPage(t, context, url) }
}

/** What a page says of a Level database: the value at "greeting", or the codes of its error. */
function greeting(page) {
  return page.evaluate(async () => {
    const { VarveLevel } = await import('/bundled/level.js')
    const db = new VarveLevel('shared')
    try {
      await db.open()
      return await db.get('greeting')
    } catch (error) {
      return [error.code, error.cause?.code, error.cause?.cause?.code]
    } finally {
      await db.close()
    }
  })
}

test('a Level database that another tab has open is locked, until that tab closes it', async (t) => {
  const { page, another } = await newPage(t)
  await page.evaluate(async () => {
    const { VarveLevel } = await import('/bundled/level.js')
    globalThis.db = new VarveLevel('shared')
    await globalThis.db.put('greeting', 'hello')
  })
  const second = await another()
  assert.deepEqual(await greeting(second), ['LEVEL_DATABASE_NOT_OPEN', 'LEVEL_LOCKED', 'LOCKED'])
  const refused = await second.evaluate(async () => {
    const { VarveLevel } = await import('/bundled/level.js')
    return VarveLevel.destroy('shared').then(() => 'destroyed', (error) => error.code)
  })
  assert.equal(refused, 'LEVEL_LOCKED')
  await page.evaluate(() => globalThis.db.close())
  assert.equal(await greeting(second), 'hello')
})

for (const [what, file] of [['table', '\\.ldb$'], ['manifest', '^MANIFEST-']]) {
  test(`a Level database with a damaged ${what} says LEVEL_CORRUPTION`, async (t) => {
    const { page } = await newPage(t)
    const codes = await page.evaluate(async (file) => {
      const { VarveLevel } = await import('/bundled/level.js')
      const raw = await import('/pages/raw.js')
      const db = new VarveLevel('damaged', { valueEncoding: 'json' })
      await db.batch(Array.from({ length: 500 }, (_, i) => ({ type: 'put', key: `key ${i}`, value: { i } })))
      await db.compactRange('k', 'l')
      await db.close()
      await raw.flip('damaged', file)

      const codes = new Set()
      const attempt = (promise) => promise.catch((error) => {
        codes.add(error.code === 'LEVEL_DATABASE_NOT_OPEN' ? error.cause.code : error.code)
      })
      await attempt(db.open())
      if (db.status === 'open') {
        await attempt(db.get('key 7'))
        await attempt(db.getMany(['key 7', 'key 8']))
        await attempt(db.has('key 7'))
        await attempt(db.iterator().all())
        await attempt(db.keys().next())
        await attempt(db.clear({ limit: 1 }))
        await db.close()
      }
      return [...codes]
    }, file)
    assert.deepEqual(codes, ['LEVEL_CORRUPTION'])
  })
}

test('in the page’s thread, getSync answers from memory, and fails where it would have to wait', async (t) => {
  const { page } = await newPage(t)
  const said = await page.evaluate(async () => {
    const { VarveLevel } = await import('/bundled/level.js')
    const db = new VarveLevel('inline', { host: 'inline' })
    const said = []
    const attempt = () => {
      try {
        said.push(db.getSync('key'))
      } catch (error) {
        said.push(error.code)
      }
    }
    await db.put('key', 'value')
    attempt()
    await db.compactRange('a', 'z')
    await db.close()
    await db.open()
    attempt()
    await db.get('key')
    attempt()
    await db.close()
    return said
  })
  assert.deepEqual(said, ['value', 'LEVEL_NOT_SUPPORTED', 'value'])
})
