import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import test from 'node:test'
import { Client } from '../src/client.js'
import { Store } from '../src/store.js'
import { varveError, withStore } from './support.js'

/** Enough entries for several answers of a scan. */
const MANY = 20_000
const name = (i: number) => `k${String(i).padStart(6, '0')}`

async function fill(store: Store): Promise<void> {
  await store.batch(Array.from({ length: MANY }, (_, i) => ({ type: 'put', key: name(i), value: i })))
}

test('a limit beyond what there may be is none', () =>
  withStore({}, async (store) => {
    await Promise.all(['a', 'b', 'c'].map((key) => store.put(key, key)))
    for (const limit of [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
      assert.equal((await store.keys({ limit }).toArray()).length, 3, String(limit))
    }
  }))

test('a scan that was closed gives nothing of what had arrived', () =>
  withStore({}, async (store) => {
    await fill(store)
    const ends: ((scan: ReturnType<Store['keys']>) => Promise<unknown>)[] = [
      (scan) => scan.close(),
      (scan) => scan.return(),
      async (scan) => {
        for await (const _ of scan) break
      },
    ]
    for (const end of ends) {
      for (const read of [async () => undefined, (scan: ReturnType<Store['keys']>) => scan.next()]) {
        const scan = store.keys()
        await read(scan)
        await end(scan)
        assert.deepEqual(await scan.next(), { done: true, value: undefined })
        assert.deepEqual(await scan.toArray(), [])
      }
    }
    assert.equal((await store.stats()).iterators, 0)
  }))

test('a scan that is closed while a call of next waits ends that call', () =>
  withStore({}, async (store) => {
    await fill(store)
    const scan = store.keys()
    const waiting = [scan.next(), scan.next()]
    await scan.close()
    for (const call of waiting) assert.deepEqual(await call, { done: true, value: undefined })
    assert.equal((await store.stats()).iterators, 0)
  }))

test('a scan that is closed while a call of next waits ends that call, though what it waits for fails', async () => {
  const client = new Client()
  client.connect({ send: () => undefined, close: () => undefined })
  const scan = new Store('test', client, {}).keys()
  const waiting = scan.next()
  await new Promise(setImmediate)
  await scan.close()
  const failed = new Uint8Array(24)
  failed[0] = 1
  failed[4] = 10 // IO
  failed[8] = 1 // the id of the first request
  client.receive(failed)
  assert.deepEqual(await waiting, { done: true, value: undefined })
  assert.deepEqual(await scan.next(), { done: true, value: undefined })
})

test('each item goes to one of those who ask at once', () =>
  withStore({}, async (store) => {
    await fill(store)
    const scan = store.keys()
    const all = scan.toArray()
    const calls = [scan.next(), scan.next()]
    const taken = (await Promise.all(calls)).flatMap(({ value }) => value ?? [])
    assert.deepEqual([...taken, ...(await all)].sort(), Array.from({ length: MANY }, (_, i) => name(i)))
  }))

test('toArray takes what is behind the calls of next that were made before it', () =>
  withStore({}, async (store) => {
    await fill(store)
    const scan = store.keys()
    const calls = [scan.next(), scan.next()]
    const rest = await scan.toArray()
    assert.deepEqual((await Promise.all(calls)).map(({ value }) => value), [name(0), name(1)])
    assert.deepEqual([rest.length, rest[0]], [MANY - 2, name(2)])
  }))

test('a scan that has ended listens to its signal no more, and is not ended by it', () =>
  withStore({}, async (store) => {
    await fill(store)
    const controller = new AbortController()
    const { signal } = controller
    const ends: (() => Promise<unknown>)[] = [
      () => store.keys({ signal }).toArray(),
      () => store.keys({ signal, limit: 0 }).toArray(),
      async () => {
        for await (const _ of store.keys({ signal }));
      },
      async () => {
        for await (const _ of store.keys({ signal })) break
      },
      () => store.keys({ signal }).close(),
    ]
    for (const end of ends) {
      await end()
      assert.equal(getEventListeners(signal, 'abort').length, 0, String(end))
    }
    const ended = store.keys({ signal })
    await ended.toArray()
    controller.abort()
    assert.deepEqual(await ended.next(), { done: true, value: undefined })
  }))

test('a scan that fails says so once, at any call, and is freed', () =>
  withStore({}, async (store) => {
    await store.put(Uint8Array.of(0xff), 1)
    const calls: ((scan: ReturnType<Store['keys']>) => Promise<unknown>)[] = [(scan) => scan.next(), (scan) => scan.toArray()]
    for (const call of calls) {
      const scan = store.keys()
      await assert.rejects(call(scan), varveError('INVALID_ARGUMENT', /not UTF-8/))
      assert.deepEqual(await scan.next(), { done: true, value: undefined })
    }
    assert.equal((await store.stats()).iterators, 0)
  }))
