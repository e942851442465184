import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { mock, type TestContext } from 'node:test'
import type { AbstractLevel } from 'abstract-level'
import { VarveError } from '../src/errors.js'
import { LevelError, VarveLevel, type VarveLevelOptions } from '../src/level/index.js'
import { runSuite } from './level-suite.js'
import { wasmModule } from './support.js'

const module = await wasmModule()

function inMemory<K = string, V = string>(options: VarveLevelOptions<K, V> = {}): VarveLevel<K, V> {
  return new VarveLevel<K, V>('test', { host: 'inline', storage: 'memory', wasmModule: module, ...options })
}

/** An open database of its own for a test. */
async function opened<K = string, V = string>(t: TestContext, options: VarveLevelOptions<K, V> = {}): Promise<VarveLevel<K, V>> {
  const db = inMemory(options)
  await db.open()
  t.after(() => db.close())
  return db
}

const name = (i: number) => `k${String(i).padStart(6, '0')}`

/** Enough entries for several answers of a scan. */
const MANY = 20_000

async function fill(db: VarveLevel): Promise<void> {
  await db.batch(Array.from({ length: MANY }, (_, i) => ({ type: 'put', key: name(i), value: String(i) })))
}

/** What `assert.throws` and `assert.rejects` take: an error of Level with that code. */
function levelError(code: string, cause?: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof LevelError, `${String(error)} is no LevelError`)
    assert.equal(error.code, code)
    if (cause !== undefined) assert.equal((error.cause as VarveError).code, cause)
    return true
  }
}

test("abstract-level's own suite passes on databases in memory", async (t) => {
  const { ran, failures } = await runSuite((_, options) => inMemory(options))
  t.diagnostic(ran)
  assert.deepEqual(failures.slice(0, 10), [])
})

test("abstract-level's own suite passes on databases in directories", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const directories = await WebAssembly.compile(readFileSync('dist/varve-node.wasm'))
  const { ran, failures } = await runSuite(
    (n, options) => new VarveLevel('test', { host: 'inline', dir: join(folder, String(n)), wasmModule: directories, ...options }),
  )
  t.diagnostic(ran)
  assert.deepEqual(failures.slice(0, 10), [])
})

test('types go from the constructor to what is stored and given back', async (t) => {
  const shifts = await opened<string, { gate: number }>(t, { valueEncoding: 'json' })
  await shifts.put('a', { gate: 3 }, { durability: 'strict' })
  // @ts-expect-error: text is no shift
  await shifts.put('a', 'text').catch(() => undefined)
  const names = shifts.sublevel('names')
  await shifts.batch([{ type: 'put', key: 'b', value: { gate: 1 } }, { type: 'del', key: 'v', sublevel: names }])
  for await (const [key, { gate }] of shifts.iterator({ gte: 'b' })) assert.deepEqual<[string, number]>([key, gate], ['b', 1])

  const any: AbstractLevel<string | Uint8Array, string, { gate: number }> = shifts
  const bytes: Uint8Array | undefined = await any.get<string, Uint8Array>('b', { valueEncoding: 'view' })
  assert.equal(new TextDecoder().decode(bytes), '{"gate":1}')
})

test('the manifest says what there is', () => {
  const supports = (options: VarveLevelOptions<string, string>) => {
    const db = new VarveLevel('test', options)
    void db.close()
    const { getSync, permanence, createIfMissing, errorIfExists } = db.supports as typeof db.supports & { getSync: boolean }
    return [!!getSync, permanence, createIfMissing, errorIfExists]
  }
  assert.deepEqual(supports({}), [false, true, true, true])
  assert.deepEqual(supports({ host: 'inline' }), [false, true, true, true])
  assert.deepEqual(supports({ storage: 'memory' }), [false, false, false, false])
  assert.deepEqual(supports({ storage: 'memory', host: 'inline' }), [true, false, false, false])
})

test('getSync sees every write that was called before it, however much the engine has put off', async (t) => {
  const db = await opened(t, { memoryBudget: 1 << 20 })
  const value = 'value'.repeat(2000)
  const writes = Array.from({ length: 3000 }, (_, i) => db.put(name(i), `${i} ${value}`))
  const then = db.snapshot()
  for (let i = 0; i < 3000; i += 97) {
    assert.equal(db.getSync(name(i)), `${i} ${value}`)
    assert.equal(db.getSync(name(i), { snapshot: then }), `${i} ${value}`)
  }
  assert.equal(db.getSync('none'), undefined)
  await Promise.all(writes)
  await then.close()
})

test('getSync fails where an answer has to be awaited', async (t) => {
  const db = await opened(t)
  mock.method(db.store.shared.client, 'requestNow', () => {
    throw new VarveError('UNSUPPORTED', 'The engine has to wait.')
  })
  assert.throws(() => db.getSync('key'), levelError('LEVEL_NOT_SUPPORTED', 'UNSUPPORTED'))
})

test('a snapshot keeps its moment over writes, flushes and compactions', async (t) => {
  const db = await opened(t)
  await fill(db)
  const then = db.snapshot()
  await db.clear({ lt: name(MANY / 2) })
  await db.put(name(MANY - 1), 'new')
  await db.compactRange('k', 'l')
  const sublevel = db.sublevel('other')
  await sublevel.put('key', 'value')
  assert.equal(await db.get(name(0), { snapshot: then }), '0')
  assert.equal(await db.get(name(0)), undefined)
  assert.deepEqual(await db.hasMany([name(1), '!other!key'], { snapshot: then }), [true, false])
  assert.equal(await sublevel.get('key', { snapshot: then }), undefined)
  assert.equal((await db.keys({ snapshot: then }).all()).length, MANY)
  assert.equal((await db.values({ snapshot: then, reverse: true, limit: 1 }).all())[0], String(MANY - 1))
  await then.close()
})

test('an iterator that is left early frees what the engine holds for it', async (t) => {
  const db = await opened(t)
  await fill(db)
  const held = async () => {
    const { iterators, snapshots } = await db.store.stats()
    return { iterators, snapshots }
  }
  const iterator = db.iterator()
  await iterator.next()
  assert.deepEqual(await held(), { iterators: 1, snapshots: 1 })
  iterator.seek(name(MANY / 2))
  await iterator.next()
  assert.deepEqual(await held(), { iterators: 1, snapshots: 1 })
  await iterator.close()
  assert.deepEqual(await held(), { iterators: 0, snapshots: 0 })

  let seen = 0
  for await (const key of db.keys()) if (seen++ === 3) assert.equal(key, name(3))
  assert.equal(seen, MANY)
  for await (const _ of db.values({ reverse: true })) break
  await db.iterator({ limit: 10 }).all()
  assert.deepEqual(await held(), { iterators: 0, snapshots: 0 })

  db.keys()
  db.snapshot()
  await db.keys().next()
  const { store } = db
  await db.close()
  assert.throws(() => db.store, levelError('LEVEL_DATABASE_NOT_OPEN'))
  const { iterators, snapshots } = await store.stats()
  assert.deepEqual([iterators, snapshots], [0, 0])
})

test('nextv gives at most as many as asked, and none only at the end', async (t) => {
  const db = await opened(t)
  await fill(db)
  for (const size of [1, 7, 1000, 2 * MANY]) {
    const iterator = db.keys({ limit: 5000 })
    const all: string[] = []
    for (let some = await iterator.nextv(size); some.length > 0; some = await iterator.nextv(size)) {
      assert.ok(some.length <= size)
      all.push(...some)
    }
    assert.deepEqual([all.length, all[0], all.at(-1)], [5000, name(0), name(4999)])
    await iterator.close()
  }
})

test('next, nextv, seek and all go on where the other came to', async (t) => {
  const db = await opened(t)
  await fill(db)
  const iterator = db.keys({ reverse: true, gte: name(10) })
  assert.equal(await iterator.next(), name(MANY - 1))
  assert.deepEqual(await iterator.nextv(2), [name(MANY - 2), name(MANY - 3)])
  iterator.seek(name(5000))
  assert.equal(await iterator.next(), name(5000))
  assert.deepEqual(await iterator.nextv(1), [name(4999)])
  const rest = await iterator.all()
  assert.deepEqual([rest.length, rest[0], rest.at(-1)], [4989, name(4998), name(10)])
})

test('keys of zeros and the empty key are apart and in order, and others are stored as they are', async (t) => {
  const db = await opened<Uint8Array, string>(t, { keyEncoding: 'view' })
  const keys = [[], [0], [0, 0], [0, 0, 1], [0, 1], [1], [1, 0]].map((bytes) => Uint8Array.from(bytes))
  for (const [i, key] of keys.entries()) await db.put(key, String(i))
  assert.deepEqual(await db.keys().all(), keys)
  assert.deepEqual(await db.getMany(keys), keys.map((_, i) => String(i)))
  assert.deepEqual(await db.values({ gt: Uint8Array.of(), lte: Uint8Array.of(0, 0) }).all(), ['1', '2'])
  assert.deepEqual(await db.values({ gte: Uint8Array.of(0, 0, 0) }).all(), ['3', '4', '5', '6'])
  assert.deepEqual(await db.store.keys({ gt: Uint8Array.of(0, 0, 0) }).toArray(), keys.slice(3))
  await db.del(Uint8Array.of())
  await db.clear({ gt: Uint8Array.of(0), limit: 1 })
  assert.deepEqual(await db.values().all(), ['1', '3', '4', '5', '6'])
  assert.deepEqual(await db.keys({ keyEncoding: 'utf8', limit: 2 }).all(), ['\0', '\0\0\x01'])
})

test('clear deletes as many as its limit says, from its end, or what its snapshot has', async (t) => {
  const db = await opened(t)
  await fill(db)
  await db.clear({ reverse: true, limit: 2500 })
  const then = db.snapshot()
  await db.put(name(1e5), 'later')
  assert.deepEqual(await db.keys({ reverse: true, limit: 2 }).all(), [name(1e5), name(MANY - 2501)])
  await db.clear({ snapshot: then, gte: name(1) })
  assert.deepEqual(await db.keys().all(), [name(0), name(1e5)])
  await db.clear({ gt: 'z', lt: 'a' })
  await db.clear()
  assert.deepEqual(await db.keys().all(), [])
  await then.close()
})

test('text that is none reads as in all of Level', async (t) => {
  const db = await opened(t)
  await db.put(Uint8Array.of(0x80), Uint8Array.of(0x61, 0xff), { keyEncoding: 'view', valueEncoding: 'view' })
  assert.deepEqual(await db.iterator().all(), [['\ufffd', 'a\ufffd']])
})

test('what can’t be stored is refused by Level’s codes, and nothing of it is written', async (t) => {
  const db = await opened(t)
  const long = 'k'.repeat((64 << 10) + 1)
  for (const key of [long, '\ud800']) {
    await assert.rejects(db.put(key, 'v'), levelError('LEVEL_INVALID_KEY', 'INVALID_ARGUMENT'))
    await assert.rejects(db.get(key), levelError('LEVEL_INVALID_KEY', 'INVALID_ARGUMENT'))
    await assert.rejects(
      db.batch([{ type: 'put', key: 'a', value: 'v' }, { type: 'del', key }]),
      levelError('LEVEL_INVALID_KEY', 'INVALID_ARGUMENT'),
    )
  }
  await assert.rejects(db.put('a', '\udfff'), levelError('LEVEL_INVALID_VALUE', 'INVALID_ARGUMENT'))
  assert.deepEqual(await db.keys().all(), [])
  assert.throws(() => new VarveLevel(''), TypeError)
})

for (const state of ['open', 'opening']) {
  test(`an iterator with a bound that can be no key fails when it is asked, and can be closed (${state})`, async () => {
    const long = 'k'.repeat((64 << 10) + 1)
    const refused = levelError('LEVEL_INVALID_KEY', 'INVALID_ARGUMENT')
    const db = inMemory()
    if (state === 'open') await db.open()
    const made = [db.iterator({ gte: long }), db.keys({ lt: long, reverse: true }), db.values({ gt: '\ud800' })]
    for (const iterator of made) {
      await assert.rejects(iterator.next(), refused)
      await assert.rejects(iterator.nextv(2), refused)
      await assert.rejects(iterator.all(), refused)
      iterator.seek('a')
      await iterator.close()
    }
    db.keys({ lte: long })
    await assert.rejects(db.clear({ gte: long }), refused)
    await assert.rejects(db.compactRange('a', long), refused)
    await db.put('a', '1')
    assert.deepEqual(await db.keys().all(), ['a'])
    await db.close()
    assert.equal(db.status, 'closed')
  })
}

test('hasMany with a key that can be none asks nothing', async (t) => {
  const db = await opened(t)
  const asked = mock.method(db.store.shared.client.writer, 'add')
  await assert.rejects(db.hasMany(['a', 'b', '\ud800']), levelError('LEVEL_INVALID_KEY', 'INVALID_ARGUMENT'))
  assert.equal(asked.mock.callCount(), 0)
})

test('bounds may be as long as keys', async (t) => {
  const db = await opened(t)
  const longest = 'k'.repeat(64 << 10)
  await db.put(longest, 'v')
  assert.deepEqual(await db.values({ lte: longest }).all(), ['v'])
  const iterator = db.values({ reverse: true })
  iterator.seek(longest)
  assert.deepEqual(await iterator.all(), ['v'])
  await db.clear({ lte: longest })
  assert.equal(await db.has(longest), false)
})

test('writes are as durable as they ask', async (t) => {
  const db = await opened(t)
  const put = mock.method(db.store, 'put')
  const batch = mock.method(db.store, 'batch')
  const del = mock.method(db.store, 'del')
  const clear = mock.method(db.store, 'clear')
  await db.put('a', '1')
  await db.put('a', '1', { sync: true })
  await db.put('a', '1', { durability: 'deferred' })
  await db.batch([{ type: 'del', key: 'a' }], { durability: 'strict' })
  await db.batch().put('a', '1').write({ sync: true })
  await db.put('b', '1', { sync: true, durability: 'relaxed' })
  await db.del('a', { sync: true })
  await db.del('a', { durability: 'deferred' })
  await db.clear({ gte: 'x', sync: true })
  await db.clear({ lt: 'b', durability: 'deferred' })
  await db.clear({ limit: 1, sync: true }) // has to look for keys
  assert.deepEqual(del.mock.calls.map((call) => call.arguments[1]), [{ durability: 'strict' }, { durability: 'deferred' }])
  assert.deepEqual(clear.mock.calls.map((call) => call.arguments[0]), [{ gte: 'x', durability: 'strict' }, { lt: 'b', durability: 'deferred' }])
  assert.deepEqual(put.mock.calls.map((call) => call.arguments[2]), [{}, { durability: 'strict' }, { durability: 'deferred' }, { durability: 'relaxed' }])
  assert.deepEqual(batch.mock.calls.map((call) => call.arguments[1]), Array(3).fill({ durability: 'strict' }))
})

test('an engine that has failed is an error of Level, and the database can be opened anew', async () => {
  const db = inMemory()
  await db.put('a', '1')
  const [iterator, other, snapshot] = [db.keys(), db.values(), db.snapshot()]
  await iterator.next()
  db.store.shared.client.fail(new VarveError('IO', 'The engine has crashed.'))
  await assert.rejects(db.get('a'), levelError('LEVEL_IO_ERROR', 'IO'))
  await assert.rejects(db.put('a', '2'), levelError('LEVEL_IO_ERROR', 'IO'))
  await assert.rejects(other.next(), levelError('LEVEL_IO_ERROR', 'IO'))
  assert.throws(() => db.iterator(), levelError('LEVEL_IO_ERROR', 'IO'))
  assert.throws(() => db.snapshot(), levelError('LEVEL_IO_ERROR', 'IO'))
  await snapshot.close()
  await db.close()
  await db.open()
  await db.put('b', '3')
  assert.deepEqual(await db.keys().all(), ['b'])
  await db.close()
})

test('open opens a database anew whose engine has failed, or whose page was left', async (t) => {
  const db = inMemory()
  t.after(() => db.close())
  await db.open()
  const first = db.store
  first.shared.client.fail(new VarveError('CLOSED', 'The page was left; open the store again.'))
  await db.open()
  assert.notEqual(db.store, first)
  await db.put('key', 'value')
  assert.equal(await db.get('key'), 'value')
})

test('a database that can’t be opened says why', async () => {
  const db = new VarveLevel('test', { host: 'inline', wasmModule: module })
  await assert.rejects(db.open(), (error: LevelError) => {
    assert.equal(error.code, 'LEVEL_DATABASE_NOT_OPEN')
    return levelError('LEVEL_NOT_SUPPORTED', 'UNSUPPORTED')(error.cause)
  })
  await assert.rejects(VarveLevel.destroy('test', { host: 'inline', wasmModule: module }), levelError('LEVEL_NOT_SUPPORTED'))
})

test('the built package has it, and a database in memory does not keep a program from ending', () => {
  const program = `
    import { readFileSync } from 'node:fs'
    import { VarveLevel } from './dist/level.js'
    const wasmModule = await WebAssembly.compile(readFileSync('dist/varve.wasm'))
    const db = new VarveLevel('test', { host: 'inline', storage: 'memory', wasmModule })
    await db.put('a', '1')
    await db.close()
    await db.open()
    console.log(await db.get('a'))`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 60_000 })
  assert.equal(said, '1\n')
})

test('every error of the engine has its code in Level', async (t) => {
  const db = await opened(t)
  const names = { CLOSED: 'DATABASE_NOT_OPEN', LOCKED: 'LOCKED', NO_SPACE: 'IO_ERROR', CORRUPT: 'CORRUPTION', ABORTED: 'ABORTED', UNSUPPORTED: 'NOT_SUPPORTED', IO: 'IO_ERROR' } as const
  for (const [code, name] of Object.entries(names)) {
    const failing = mock.method(db.store, 'put', () => Promise.reject(new VarveError(code as keyof typeof names, 'message')))
    await assert.rejects(db.put('a', '1'), levelError(`LEVEL_${name}`, code))
    failing.mock.restore()
  }
})

test('an iterator keeps its bounds, whatever becomes of the memory they were given in', async (t) => {
  const db = await opened<Uint8Array, string>(t, { keyEncoding: 'view' })
  await db.batch([1, 2, 3].map((byte) => ({ type: 'put', key: Uint8Array.of(byte), value: String(byte) })))
  const bound = Uint8Array.of(2)
  const [from, to] = [db.values({ gte: bound }), db.values({ lt: bound })]
  const sought = db.values()
  sought.seek(bound)
  bound[0] = 3
  assert.deepEqual([await from.all(), await to.all(), await sought.all()], [['2', '3'], ['1'], ['2', '3']])
})
