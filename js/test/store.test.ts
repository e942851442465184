import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { Client } from '../src/client.js'
import { destroy, list, open } from '../src/open.js'
import { persist } from '../src/persist.js'
import { asyncDispose } from '../src/dispose.js'
import type { Codec } from '../src/encodings.js'
import type { Durability, OpenOptions } from '../src/options.js'
import { Store } from '../src/store.js'
import { countArriving, varveError, wasmModule, withStore } from './support.js'

/** Enough entries for several answers of a scan. */
const MANY = 20_000
const name = (i: number) => `k${String(i).padStart(6, '0')}`

async function fill(store: Store): Promise<void> {
  await store.batch(Array.from({ length: MANY }, (_, i) => ({ type: 'put', key: name(i), value: i })))
}

test('get, has and getMany see what was put and deleted', () =>
  withStore({}, async (store) => {
    await store.put('a', 1)
    await store.put('é', 2)
    await store.put(Uint8Array.of(98), 3)
    await store.del('a')
    await store.del('never there')
    assert.deepEqual(await store.getMany(['a', 'é', 'b', 'é']), [undefined, 2, 3, 2])
    assert.equal(await store.get('b'), 3)
    assert.equal(await store.get('a'), undefined)
    assert.deepEqual([await store.has('b'), await store.has('a')], [true, false])
    assert.deepEqual(await store.getMany([]), [])
  }))

test('calls take effect in their order, though none is awaited', () =>
  withStore({}, async (store) => {
    const calls = [
      store.get('k'),
      store.put('k', 1),
      store.get('k'),
      store.batch([{ type: 'put', key: 'k', value: 2 }, { type: 'put', key: 'l', value: 2 }]),
      store.getMany(['k', 'l']),
      store.clear({ prefix: 'l' }),
      store.has('l'),
      store.del('k'),
      store.keys().toArray(),
    ]
    const [before, , one, , both, , cleared, , keys] = await Promise.all(calls as Promise<unknown>[])
    assert.deepEqual([before, one, both, cleared, keys], [undefined, 1, [2, 2], false, []])
  }))

test('arguments belong to the caller again as soon as a call returns', () =>
  withStore<Uint8Array>({ valueEncoding: 'view' }, async (store) => {
    const key = Uint8Array.of(107)
    const value = Uint8Array.of(1)
    const written = store.put(key, value)
    key[0] = value[0] = 0
    await written
    assert.deepEqual(await store.get('k'), Uint8Array.of(1))
    assert.equal(await store.has(Uint8Array.of(0)), false)
  }))

test('keys order as their UTF-8 bytes do', () =>
  withStore({}, async (store) => {
    const keys = ['\u{1f600}', '\uffee', 'b', 'é', 'a', 'aa']
    await Promise.all(keys.map((key) => store.put(key, 0)))
    assert.deepEqual(await store.keys().toArray(), ['a', 'aa', 'b', 'é', '\uffee', '\u{1f600}'])
  }))

test('keys of every kind and length are kept apart', () =>
  withStore({}, async (store) => {
    const longest = ['x'.repeat(65_536), 'é'.repeat(32_768), '\u{1f600}'.repeat(16_384)]
    const keys = ['\0', '\0\0', 'a', 'a\0', 'a\0b', ' ', '\ufeff', '\n', ...longest]
    await Promise.all(keys.map((key) => store.put(key, key.length)))
    assert.deepEqual(await store.getMany(keys), keys.map((key) => key.length))
    await store.compact()
    assert.deepEqual(new Set(await store.keys().toArray()), new Set(keys))
    assert.deepEqual(await store.keys({ prefix: 'a\0' }).toArray(), ['a\0', 'a\0b'])
    const tooLong = [...longest.map((key) => `${key}x`), new Uint8Array(65_537)]
    for (const key of tooLong) await assert.rejects(store.put(key, 1), varveError('INVALID_ARGUMENT', /65536 bytes/))
    for (const key of ['a\ud800', '\udc00', '', new Uint8Array(0), 7, null]) {
      for (const call of [store.put(key as string, 1), store.get(key as string), store.del(key as string), store.has(key as string)]) {
        await assert.rejects(call, varveError('INVALID_ARGUMENT'))
      }
    }
    assert.equal((await store.keys().toArray()).length, keys.length)
  }))

test('keys are given back as bytes where that is asked for', async () => {
  const store = await open('test', { host: 'inline', storage: 'memory', wasmModule: await wasmModule(), keyEncoding: 'view' })
  await store.put(Uint8Array.of(0xff, 0), 1)
  const keys: Uint8Array[] = await store.keys().toArray()
  assert.deepEqual(keys, [Uint8Array.of(0xff, 0)])
  await store.close()
})

test('a key that is no text is reported where text is asked for', () =>
  withStore({}, async (store) => {
    await store.put(Uint8Array.of(0xff), 1)
    await assert.rejects(store.keys().toArray(), varveError('INVALID_ARGUMENT', /keyEncoding 'view'/))
    assert.deepEqual(await store.values().toArray(), [1])
  }))

test('a scan gives its range in either direction, up to its limit', () =>
  withStore({}, async (store) => {
    for (const key of ['a', 'b/1', 'b/2', 'b/3', 'c']) await store.put(key, key.toUpperCase())
    assert.deepEqual(await store.scan({ prefix: 'b/', limit: 2 }).toArray(), [['b/1', 'B/1'], ['b/2', 'B/2']])
    assert.deepEqual(await store.keys({ gt: 'a', lte: 'b/2', reverse: true }).toArray(), ['b/2', 'b/1'])
    assert.deepEqual(await store.values({ gte: 'b/3' }).toArray(), ['B/3', 'C'])
    assert.deepEqual(await store.keys({ limit: 0 }).toArray(), [])
    assert.deepEqual(await store.keys({ gt: 'a', lt: 'a' }).toArray(), [])
    assert.equal((await store.keys({ limit: Infinity }).toArray()).length, 5)
    for (const limit of [-1, 1.5, NaN]) {
      assert.throws(() => store.scan({ limit }), varveError('INVALID_ARGUMENT', /limit is/))
    }
  }))

test('a scan of many entries gives each once, in order', () =>
  withStore({}, async (store) => {
    await fill(store)
    let expected = 0
    for await (const [key, value] of store.scan()) {
      assert.equal(key, name(expected))
      assert.equal(value, expected++)
    }
    assert.equal(expected, MANY)
    const backwards = await store.values({ reverse: true }).toArray()
    assert.deepEqual([backwards.length, backwards[0], backwards.at(-1)], [MANY, MANY - 1, 0])
  }))

test('a scan sees the moment of its call, even if it is iterated later', () =>
  withStore({}, async (store) => {
    await store.put('a', 1)
    const scan = store.scan()
    await store.put('a', 2)
    await store.put('b', 2)
    assert.deepEqual(await scan.toArray(), [['a', 1]])
  }))

test('next may be called ahead, toArray takes the rest', () =>
  withStore({}, async (store) => {
    await fill(store)
    const keys = store.keys()
    const first = await Promise.all([keys.next(), keys.next(), keys.next()])
    assert.deepEqual(first.map((result) => result.value), [name(0), name(1), name(2)])
    const rest = await keys.toArray()
    assert.deepEqual([rest.length, rest[0], rest.at(-1)], [MANY - 3, name(3), name(MANY - 1)])
    assert.deepEqual(await keys.next(), { done: true, value: undefined })
  }))

test('items go to the calls of next in their order, however these fall', () =>
  withStore({}, async (store) => {
    await fill(store)
    const keys = store.keys()
    const calls: Promise<IteratorResult<string>>[] = []
    for (let i = 0; i < 3000; i++) {
      calls.push(keys.next())
      await null
    }
    const results = await Promise.all(calls)
    results.forEach((result, i) => assert.equal(result.value, name(i)))
    await keys.close()
  }))

test('a scan that is dropped is freed by the garbage collector', () =>
  withStore({}, async (store) => {
    await fill(store)
    await (async () => void (await store.keys().next()))()
    assert.equal((await store.stats()).iterators, 1)
    for (let i = 0; i < 100 && (await store.stats()).iterators > 0; i++) {
      globalThis.gc!()
      await new Promise(setImmediate)
    }
    assert.equal((await store.stats()).iterators, 0)
  }))

test('a scan that is dropped is freed too if its first answer could not be read', () =>
  withStore({ valueEncoding: { encode: String, decode: () => { throw new Error('unreadable') } } }, async (store) => {
    await fill(store as Store)
    await (async () => void store.scan())()
    assert.equal((await store.stats()).iterators, 1)
    for (let i = 0; i < 100 && (await store.stats()).iterators > 0; i++) {
      globalThis.gc!()
      await new Promise(setImmediate)
    }
    assert.equal((await store.stats()).iterators, 0)
  }))

test('a scan that is left early frees its iterator', () =>
  withStore({}, async (store) => {
    await fill(store)
    for await (const key of store.keys()) if (key === name(5)) break
    const closed = store.keys()
    await closed.close()
    assert.deepEqual(await closed.next(), { done: true, value: undefined })
    await store.keys()[asyncDispose]()
    assert.equal((await store.stats()).iterators, 0)
  }))

test('an aborted scan fails with ABORTED and frees its iterator', () =>
  withStore({}, async (store) => {
    await fill(store)
    const controller = new AbortController()
    const scan = store.keys({ signal: controller.signal })
    await scan.next()
    controller.abort('enough')
    await assert.rejects(scan.next(), (error) => varveError('ABORTED')(error) && (error as Error).cause === 'enough')
    assert.deepEqual(await scan.next(), { done: true, value: undefined })
    await assert.rejects(store.keys({ signal: controller.signal }).toArray(), varveError('ABORTED'))
    assert.equal((await store.stats()).iterators, 0)
  }))

test('an aborted scan fails in toArray too, though all of it had arrived', () =>
  withStore({}, async (store) => {
    await Promise.all(['a', 'b', 'c'].map((key) => store.put(key, key)))
    const controller = new AbortController()
    const scan = store.keys({ signal: controller.signal })
    await scan.next()
    controller.abort()
    await assert.rejects(scan.toArray(), varveError('ABORTED'))
  }))

test('aborting rejects a call that waits for the engine at once', async () => {
  const client = new Client() // of an engine that never answers
  const store = new Store('test', client, {})
  const controller = new AbortController()
  const scan = store.keys({ signal: controller.signal })
  const waiting = [scan.next(), store.values({ signal: controller.signal }).toArray()]
  controller.abort()
  for (const call of waiting) await assert.rejects(call, varveError('ABORTED'))
})

for (const [size, write] of [['many', fill], ['a few', (store: Store) => store.put('a', 1).then(() => store.put('b', 2))]] as const) {
  test(`a scan of ${size} entries that is dropped is freed although its signal lives on`, () =>
    withStore({}, async (store) => {
      await write(store)
      const { signal } = new AbortController()
      await (async () => void (await store.keys({ signal }).next()))()
      for (let i = 0; i < 100 && getEventListeners(signal, 'abort').length > 0; i++) {
        globalThis.gc!()
        await new Promise(setImmediate)
      }
      assert.equal(getEventListeners(signal, 'abort').length, 0)
      assert.equal((await store.stats()).iterators, 0)
    }))
}

test('a scan that is iterated slowly holds a bounded part of what is there', () =>
  withStore<Uint8Array>({ valueEncoding: 'view' }, async (store) => {
    const value = new Uint8Array(1000)
    for (let i = 0; i < 4; i++) {
      await store.batch(Array.from({ length: 1000 }, (_, j) => ({ type: 'put', key: name(1000 * i + j), value })))
    }
    const arrived = countArriving(store.shared.client)
    let taken = 0
    let most = 0
    for await (const _ of store.scan()) {
      taken += 1000
      if (taken % 50_000 === 0) for (let i = 0; i < 5; i++) await new Promise(setImmediate)
      most = Math.max(most, arrived() - taken)
    }
    assert.equal(taken, 4_000_000)
    assert.ok(most < 1_500_000, `${most} bytes were held ahead`)
  }))

test('await using closes stores, snapshots and scans', async () => {
  const options = { host: 'inline', storage: 'memory', wasmModule: await wasmModule() } as const
  let outlived: Store
  {
    await using store = await open('test', options)
    await store.put('a', 1)
    {
      await using then = store.snapshot()
      await using scan = then.scan()
      assert.deepEqual(await scan.next(), { done: false, value: ['a', 1] })
    }
    const { iterators, snapshots } = await store.stats()
    assert.deepEqual([iterators, snapshots], [0, 0])
    outlived = store
  }
  await assert.rejects(outlived.get('a'), varveError('CLOSED'))
})

test('a snapshot keeps its moment until it is closed', () =>
  withStore({}, async (store) => {
    await store.put('a', 1)
    const then = store.snapshot()
    await store.put('a', 2)
    await store.put('b', 2)
    assert.deepEqual([await then.get('a'), await then.has('b')], [1, false])
    assert.deepEqual(await then.getMany(['a', 'b']), [1, undefined])
    assert.deepEqual(await then.scan().toArray(), [['a', 1]])
    const scan = then.values()
    await then.close()
    await then.close()
    assert.deepEqual(await scan.toArray(), [1])
    await assert.rejects(then.get('a'), varveError('CLOSED', /snapshot/))
    assert.throws(() => then.scan(), varveError('CLOSED'))
    assert.equal((await store.stats()).snapshots, 0)
  }))

test('a batch is refused whole', () =>
  withStore({}, async (store) => {
    const bad = [{ type: 'put', key: 'a', value: 1 }, { type: 'put', key: '', value: 2 }] as const
    await assert.rejects(store.batch(bad), varveError('INVALID_ARGUMENT', /Operation 1 .*empty/))
    await assert.rejects(store.batch([{ type: 'merge', key: 'a' } as never]), varveError('INVALID_ARGUMENT', /"merge"/))
    await assert.rejects(store.batch('a' as never), varveError('INVALID_ARGUMENT', /an array/))
    await store.batch([])
    assert.equal(await store.has('a'), false)
  }))

const MISSING_ONE = [{ type: 'put', key: 'ghost', value: 1 }, , { type: 'put', key: 'ghost 2', value: 1 }]

for (const [what, call] of [
  ['a batch that lacks one', (store: Store) => store.batch(MISSING_ONE as never)],
  ['a getMany that lacks one', (store: Store) => store.getMany(['ghost', , 'first'] as never)],
] as const) {
  test(`${what} is refused whole, and harms no call beside it`, () =>
    withStore({}, async (store) => {
      const first = store.put('first', 1)
      const refused = call(store)
      const second = store.put('second', 2)
      await assert.rejects(refused, varveError('INVALID_ARGUMENT'))
      await Promise.all([first, second])
      assert.deepEqual(await store.scan().toArray(), [['first', 1], ['second', 2]])
    }))
}

test('a request that memory does not hold is refused whole, and harms no call beside it', (t) =>
  withStore({}, async (store) => {
    const { writer } = store.shared.client
    const first = store.put('first', 1)
    const add = writer.add.bind(writer)
    let left = 2
    const mocked = t.mock.method(writer, 'add', (...header: Parameters<typeof add>) => {
      add(...header)
      if (--left === 0) throw new RangeError('Array buffer allocation failed')
    })
    const ghosts = Array.from('abcd', (key) => ({ type: 'put', key, value: Uint8Array.of(1) }) as const)
    const refused = store.batch(ghosts)
    mocked.mock.restore()
    const second = store.put('second', 2)
    await assert.rejects(refused, varveError('INVALID_ARGUMENT', /allocation failed/))
    await Promise.all([first, second])
    assert.deepEqual(await store.scan().toArray(), [['first', 1], ['second', 2]])
  }))

test('what the caller’s own code asks while a write is made ready counts by itself', async () => {
  const asked: Promise<void>[] = []
  const valueEncoding: Codec<string> = {
    encode(value) {
      if (value === '') return value
      asked.push(store.put(`asked by ${value}`, ''))
      if (value === 'refused') throw new Error('it is refused')
      return value
    },
    decode: () => '',
  }
  const store = await open('test', { host: 'inline', storage: 'memory', wasmModule: await wasmModule(), valueEncoding })
  await store.put('a', 'taken')
  const refused = store.batch([{ type: 'put', key: 'b', value: 'kept' }, { type: 'put', key: 'c', value: 'refused' }])
  await assert.rejects(refused, varveError('INVALID_ARGUMENT', /Operation 1/))
  await Promise.all(asked)
  assert.deepEqual(await store.keys().toArray(), ['a', 'asked by kept', 'asked by refused', 'asked by taken'])
  await store.close()
})

test('what is no range is refused, and clears nothing', () =>
  withStore({}, async (store) => {
    await store.put('shift/1', 1)
    await store.put('other', 2)
    for (const range of ['shift/', '', null, 7, ['shift/'], Uint8Array.of(1), () => 1]) {
      const given = range as object
      const refused = varveError('INVALID_ARGUMENT', /range is .*prefix/)
      await assert.rejects(store.clear(given), refused)
      await assert.rejects(store.compact(given), refused)
      for (const call of [() => store.scan(given), () => store.keys(given), () => store.values(given)]) assert.throws(call, refused)
    }
    assert.deepEqual(await store.keys().toArray(), ['other', 'shift/1'])
  }))

test('a range that only seems to have bounds clears nothing', () =>
  withStore({}, async (store) => {
    await store.batch(['a', 'b', 'c'].map((key) => ({ type: 'put', key, value: 1 })))
    const refused: [range: object, message: RegExp][] = [
      [{ prefx: 'a' }, /"prefx"/],
      [{ start: 'a', end: 'b' }, /"start"/],
      [{ prefix: undefined }, /undefined/],
      [{ gte: undefined, lt: undefined, durability: 'strict' }, /undefined/],
    ]
    for (const [range, message] of refused) await assert.rejects(store.clear(range), varveError('INVALID_ARGUMENT', message))
    assert.deepEqual(await store.keys().toArray(), ['a', 'b', 'c'])
    await store.clear({ gte: 'b', lt: undefined, durability: undefined })
    assert.deepEqual(await store.keys().toArray(), ['a'])
    await store.clear({ durability: 'strict' })
    assert.deepEqual(await store.keys().toArray(), [])
  }))

test('what is no object of options is refused', () =>
  withStore({}, async (store) => {
    for (const options of ['strict', null, 7, []]) {
      const given = options as object
      const refused = varveError('INVALID_ARGUMENT', /options is .*an object/)
      const calls = [
        store.put('a', 1, given),
        store.del('a', given),
        store.batch([{ type: 'put', key: 'a', value: 1 }], given),
        open('x', given),
        destroy('x', given),
        list(given),
      ]
      for (const call of calls) await assert.rejects(call, refused)
    }
    assert.equal(await store.has('a'), false)
  }))

test('every error is one of the package, whatever was given', () =>
  withStore({}, async (store) => {
    const memory = { host: 'inline', storage: 'memory' } as const
    const throwing = Object.defineProperty({}, 'a', { enumerable: true, get: () => assert.fail('my getter') })
    const calls: (() => unknown)[] = [
      () => store.put('k', throwing),
      () => store.put(Object.create(null) as string, 1),
      () => store.put('k', 1, { durability: 1n as never }),
      () => store.batch([{ type: 1n, key: 'k' } as never]),
      () => store.batch([null as never]),
      () => store.scan({ limit: 5n as never }),
      () => store.scan({ limit: Symbol('s') as never }),
      () => store.scan({ signal: {} as AbortSignal }),
      () => open('x', { ...memory, signal: {} as AbortSignal }),
      () => open('x', { ...memory, signal: 'now' as unknown as AbortSignal }),
      () => open('x', { ...memory, valueEncoding: 10n as never }),
      () => open('x', { ...memory, keyEncoding: 10n as never }),
      () => open('x', { ...memory, durability: 10n as never }),
      () => open('x', { ...memory, storage: 10n as never }),
      () => open('x', { ...memory, host: 10n as never }),
      () => open('x', { ...memory, memoryBudget: Symbol('s') as never }),
      () => destroy('x', { host: 10n as never }),
    ]
    for (const call of calls) await assert.rejects(async () => call(), varveError('INVALID_ARGUMENT'), String(call))
  }))

test('a part of the package that can’t be loaded is an error of the package', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-'))
  t.after(() => rmSync(folder, { recursive: true }))
  cpSync('dist', folder, { recursive: true, filter: (name) => !/(import|node)-\w+\.js$/.test(name) })
  const program = `
    import { open } from './index.js'
    const options = { host: 'inline', storage: 'memory' }
    for (const added of [{ from: new Uint8Array(1) }, { dir: 'x' }]) {
      await open('x', { ...options, ...added }).catch((error) => console.log(error.name, error.code))
    }`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', cwd: folder })
  assert.equal(said, 'VarveError IO\nVarveError IO\n')
})

test('each durability acknowledges, and an unknown one is refused', async () => {
  for (const durability of ['strict', 'relaxed', 'deferred'] as const) {
    await withStore({ durability }, async (store) => {
      await store.put('a', 1)
      await store.del('b', { durability: 'strict' })
      await store.batch([{ type: 'put', key: 'c', value: 1 }], { durability: 'deferred' })
      await store.flush()
      assert.deepEqual(await store.keys().toArray(), ['a', 'c'])
      const durable = { durability: 'eventual' as Durability }
      await assert.rejects(store.put('a', 1, durable), varveError('INVALID_ARGUMENT', /"eventual"/))
    })
  }
})

test('clear, compact, verify and stats work on what is there', () =>
  withStore({}, async (store) => {
    await fill(store)
    await store.clear({ gte: name(10) })
    await store.compact()
    assert.deepEqual(await store.verify().then(({ files, entries }) => ({ files, entries })), { files: 1, entries: 10 })
    const stats = await store.stats()
    assert.equal(stats.levels.length, 7)
    const level = stats.levels.find(({ files }) => files > 0)
    assert.deepEqual([level?.files, level?.smallest, level?.largest], [1, name(0), name(9)])
    assert.equal(stats.lastSequence, 2 * MANY - 10)
    for (const value of [stats.memtable.bytes, stats.blockCache.capacity, stats.written.log, stats.stalls.count]) {
      assert.ok(Number.isInteger(value))
    }
    await store.clear()
    assert.deepEqual(await store.keys().toArray(), [])
  }))

test('more than the buffers hold can be written at once and read back', () =>
  withStore<string>({ memoryBudget: 1 << 20, valueEncoding: 'utf8' }, async (store) => {
    const value = 'v'.repeat(10_000)
    const writes: Promise<void>[] = []
    for (let i = 0; i < 1500; i++) writes.push(store.put(name(i), value + i))
    const last = store.get(name(1499))
    assert.equal(await last, value + 1499)
    await Promise.all(writes)
    const all = await Promise.all(writes.map((_, i) => store.get(name(i))))
    assert.ok(all.every((found, i) => found === value + i))
    assert.ok((await store.stats()).flushes > 0)
  }))

test('large values come back whole', () =>
  withStore<Uint8Array>({ valueEncoding: 'view' }, async (store) => {
    const value = new Uint8Array(20 << 20).map((_, i) => i % 251)
    await store.put('large', value)
    await store.compact()
    assert.deepEqual(await store.get('large'), value)
  }))

test('results are the caller’s: they share no memory with the engine', () =>
  withStore<Uint8Array>({ valueEncoding: 'view' }, async (store) => {
    await store.put('k', Uint8Array.of(1, 2, 3))
    const value = await store.get('k')
    value!.fill(9)
    assert.deepEqual(await store.get('k'), Uint8Array.of(1, 2, 3))
  }))

test('close finishes what was called before it, and refuses what comes after', async () => {
  const store = await open('test', { host: 'inline', storage: 'memory', wasmModule: await wasmModule() })
  const scan = store.scan()
  const then = store.snapshot()
  const calls = [store.put('a', 1), store.get('a')]
  const closed = store.close()
  await assert.rejects(store.get('a'), varveError('CLOSED'))
  assert.throws(() => store.scan(), varveError('CLOSED'))
  assert.deepEqual(await Promise.all(calls), [undefined, 1])
  await closed
  await Promise.all([store.close(), store[asyncDispose](), then.close(), scan.close()])
  await assert.rejects(store.put('a', 1), varveError('CLOSED'))
  await assert.rejects(then.get('a'), varveError('CLOSED'))
})

test('open refuses options that it can’t carry out', async () => {
  const memory = { host: 'inline', storage: 'memory' } as const
  const cases: [name: unknown, options: object, message: RegExp][] = [
    ['', memory, /name/],
    [7, memory, /name/],
    ['\ud800', memory, /name/],
    ['x', { ...memory, memoryBudget: 10 }, /memoryBudget is 10/],
    ['x', { ...memory, durability: 'never' }, /durability is "never"/],
    ['x', { ...memory, storage: 'disk' }, /storage is "disk"/],
    ['x', { ...memory, host: 'moon' }, /host is "moon"/],
    ['x', { ...memory, keyEncoding: 'json' }, /keyEncoding is "json"/],
    ['x', { ...memory, valueEncoding: 'xml' }, /valueEncoding is "xml"/],
    ['x', { ...memory, wasmModule: {} }, /wasmModule is a value of type Object/],
    ['x', { ...memory, wasmUrl: 'https://[' }, /wasmUrl is no URL: https:/],
    ['x', { ...memory, createIfMissing: false, errorIfExists: true }, /createIfMissing is false and errorIfExists/],
  ]
  for (const [store, options, message] of cases) {
    await assert.rejects(open(store as string, options), varveError('INVALID_ARGUMENT', message))
  }
})

test('a missing store is NOT_FOUND when it may not be made', async () => {
  const options: OpenOptions = { host: 'inline', storage: 'memory', wasmModule: await wasmModule() }
  await assert.rejects(open('test', { ...options, createIfMissing: false }), varveError('NOT_FOUND'))
})

test('an aborted open fails with ABORTED', async () => {
  const options: OpenOptions = { host: 'inline', storage: 'memory', wasmModule: await wasmModule() }
  await assert.rejects(open('test', { ...options, signal: AbortSignal.abort() }), varveError('ABORTED'))
  const controller = new AbortController()
  const opening = open('test', { ...options, signal: controller.signal })
  controller.abort()
  await assert.rejects(opening, varveError('ABORTED'))
})

test('without IndexedDB there are no stores that last', async () => {
  const options = { host: 'inline', wasmModule: await wasmModule() } as const
  for (const call of [open('test', options), destroy('test', options), list(options), open('test')]) {
    await assert.rejects(call, varveError('UNSUPPORTED', /no IndexedDB \(storage 'memory' does without\)/))
  }
})

/** An answer that ends in mid-file. */
function cutOff(type: string): Response {
  let pulls = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))
      else controller.error(new TypeError('cut off'))
    },
  })
  return new Response(body, { headers: { 'content-type': type } })
}

test('what is fetched in place of the engine is named', async (t) => {
  const answers: [response: Response | Error, code: 'IO' | 'UNSUPPORTED', message: RegExp][] = [
    [new Response('no', { status: 404 }), 'IO', /status 404/],
    [new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } }), 'IO', /no WebAssembly.*text\/html.*wasmUrl/],
    [new Response('\0asmgarbage', { headers: { 'content-type': 'application/wasm' } }), 'UNSUPPORTED', /could not be compiled/],
    [cutOff('application/wasm'), 'IO', /engine\.wasm could not be fetched: TypeError: cut off/],
    [cutOff('application/octet-stream'), 'IO', /engine\.wasm could not be fetched: TypeError: cut off/],
    [new TypeError('offline'), 'IO', /engine\.wasm could not be fetched: TypeError: offline/],
  ]
  for (const [answer, code, message] of answers) {
    t.mock.method(globalThis, 'fetch', () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)))
    const opening = open('test', { host: 'inline', storage: 'memory', wasmUrl: 'https://example.org/engine.wasm' })
    await assert.rejects(opening, varveError(code, message))
    t.mock.restoreAll()
  }
})

test('a wasm file of another version is named as such', async () => {
  const wasmModule = await WebAssembly.compile(
    Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 120, 1, 121, 0, 0), // imports x.y
  )
  const opening = open('test', { host: 'inline', storage: 'memory', wasmModule })
  await assert.rejects(opening, varveError('UNSUPPORTED', /another version/))
})

test('persist tells what the browser answers, and false where nobody can be asked', async (t) => {
  assert.equal(await persist(), false)
  for (const [storage, answer] of [
    [{ persist: async () => true }, true],
    [{ persist: async () => false }, false],
    [{ persisted: async () => true }, true],
    [{ persist: () => Promise.reject(new TypeError('opaque origin')) }, false],
  ] as const) {
    Object.defineProperty(globalThis, 'navigator', { value: { storage }, configurable: true, writable: true })
    t.after(() => delete (globalThis as { navigator?: unknown }).navigator)
    assert.equal(await persist(), answer)
  }
})

test('the engine leaves nothing of Go on the global object', async () => {
  await withStore({}, async () => undefined)
  assert.deepEqual(['Go', 'fs', 'path'].filter((global) => global in globalThis), [])
})
