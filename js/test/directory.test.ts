import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs, { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import test, { type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { open } from '../src/open.js'
import type { OpenOptions } from '../src/options.js'
import { varveError } from './support.js'

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const wasmUrl = pathToFileURL('dist/varve-node.wasm')

function inDirectory(dir: string, options: OpenOptions = {}) {
  return open('test', { host: 'inline', dir, wasmUrl, ...options })
}

test('a store in a directory is there when it is opened again', async (t) => {
  const dir = join(newFolder(t), 'made', 'for it')
  for (const place of [dir, relative('', dir)]) {
    const store = await inDirectory(place)
    await store.put(place, [1, 2])
    await store.batch(Array.from({ length: 5000 }, (_, i) => ({ type: 'put', key: `k${i}`, value: 'v'.repeat(i % 1000) })))
    await store.compact()
    await store.close()
  }
  assert.ok(readdirSync(dir).includes('CURRENT'))
  const store = await inDirectory(dir, { createIfMissing: false })
  assert.deepEqual(await store.getMany([dir, relative('', dir)]), [[1, 2], [1, 2]])
  assert.equal((await store.keys().toArray()).length, 5002)
  await store.verify()
  await store.close()
})

test('a directory without a store is NOT_FOUND when none may be made', async (t) => {
  const folder = newFolder(t)
  for (const dir of [folder, join(folder, 'missing')]) {
    await assert.rejects(inDirectory(dir, { createIfMissing: false }), varveError('NOT_FOUND'))
  }
  assert.deepEqual(readdirSync(folder).filter((name) => name !== 'LOCK'), [])
  const store = await inDirectory(folder)
  await store.close()
  await assert.rejects(inDirectory(folder, { errorIfExists: true }), varveError('EXISTS'))
  await assert.rejects(inDirectory('dist/varve.wasm'), varveError('IO'))
})

test('dir is refused where it can’t be', async () => {
  for (const options of [{ host: 'worker' }, { storage: 'memory' }, { dir: '' }, { dir: 7 as never }] as const) {
    await assert.rejects(inDirectory('somewhere', options), varveError('INVALID_ARGUMENT', /dir is/))
  }
  const browsers = inDirectory('somewhere', { wasmUrl: pathToFileURL('dist/varve.wasm') })
  await assert.rejects(browsers, varveError('UNSUPPORTED', /varve-node\.wasm/))
  assert.ok(!existsSync('somewhere'))
  await assert.rejects(inDirectory('somewhere', { wasmUrl: pathToFileURL('dist/missing.wasm') }), varveError('IO', /missing\.wasm/))
})

const script = (body: string) => `
  import { open } from ${JSON.stringify(pathToFileURL('dist/index.js').href)}
  const dir = process.argv[1]
  ${body}`

function run(dir: string, body: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script(body), '--', dir], { encoding: 'utf8' })
  return stdout + stderr
}

const OPEN = "const store = await open('test', { host: 'inline', dir }).catch((error) => console.log(error.code))"

test('an open directory is LOCKED for this and other processes, and free afterwards', async (t) => {
  const dir = newFolder(t)
  const store = await inDirectory(dir)
  await assert.rejects(inDirectory(dir), varveError('LOCKED'))
  assert.equal(run(dir, OPEN), 'LOCKED\n')
  await store.close()
  // The program ends by itself, though it leaves the store open, and its lock with it.
  assert.equal(run(dir, `${OPEN}; await store.put('key', 'by another'); console.log('put')`), 'put\n')
  const again = await inDirectory(dir)
  assert.equal(await again.get('key'), 'by another')
  await again.close()
})

test('strict writes that were acknowledged survive SIGKILL, and the directory opens again', async (t) => {
  const dir = newFolder(t)
  let acknowledged = 0
  for (let round = 0; round < 3; round++) {
    const body = `${OPEN}
      for (let i = ${acknowledged}; ; i++) {
        await store.put('k' + String(i).padStart(6, '0'), 'v'.repeat(i % 3000), { durability: 'strict' })
        process.stdout.write(i + '\\n')
      }`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script(body), '--', dir], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    for await (const piece of child.stdout.setEncoding('utf8')) {
      text += piece
      if (text.split('\n').length > 20 * (round + 1)) child.kill('SIGKILL')
    }
    await once(child, 'close').catch(() => undefined)
    acknowledged = Number(text.trimEnd().split('\n').at(-1)) + 1
    const store = await inDirectory(dir)
    const rows = await store.scan().toArray()
    assert.ok(rows.length >= acknowledged, `${rows.length} of ${acknowledged} are there`)
    rows.forEach(([key, value], i) => assert.deepEqual([key, value], [`k${String(i).padStart(6, '0')}`, 'v'.repeat(i % 3000)]))
    await store.verify()
    await store.close()
    acknowledged = rows.length
  }
})

test('a full disk is NO_SPACE, and the store goes on when there is space', async (t) => {
  const store = await inDirectory(newFolder(t))
  await store.put('before', 1)
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  const mock = t.mock.method(fs, 'writeSync', () => { throw full })
  await assert.rejects(store.put('during', 1), varveError('NO_SPACE'))
  assert.deepEqual(await store.keys().toArray(), ['before'])
  mock.mock.restore()
  await store.put('after', 1)
  assert.deepEqual(await store.keys().toArray(), ['after', 'before'])
  await store.close()
})

test('an archive becomes a directory, and a broken one none', async (t) => {
  const folder = newFolder(t)
  const store = await inDirectory(join(folder, 'from'))
  await store.batch(Array.from({ length: 5000 }, (_, i) => ({ type: 'put', key: `k${i}`, value: i })))
  const archive = new Uint8Array(await new Response(store.export()).arrayBuffer())
  await store.close()

  const copy = await inDirectory(join(folder, 'to'), { from: archive })
  assert.equal((await copy.keys().toArray()).length, 5000)
  await copy.put('more', 1)
  await copy.close()
  await assert.rejects(inDirectory(join(folder, 'to'), { from: archive }), varveError('EXISTS'))
  const again = await inDirectory(join(folder, 'to'))
  assert.equal(await again.get('more'), 1)
  await again.close()

  const broken = inDirectory(join(folder, 'broken'), { from: archive.subarray(0, archive.length / 2) })
  await assert.rejects(broken, varveError('CORRUPT'))
  await assert.rejects(inDirectory(join(folder, 'broken'), { createIfMissing: false }), varveError('NOT_FOUND'))
  const fresh = await inDirectory(join(folder, 'broken'))
  assert.deepEqual(await fresh.keys().toArray(), [])
  await fresh.close()
})
