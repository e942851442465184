import assert from 'node:assert/strict'
import test from 'node:test'
import { Client, done } from '../src/client.js'
import type { Codec } from '../src/encodings.js'
import { Op } from '../src/frame.js'
import { engineEntries, type OpenOptions } from '../src/options.js'
import { Store } from '../src/store.js'
import { startInline } from '../src/transport.js'
import { countArriving, golden, varveError, wasmModule, withStore } from './support.js'

/** A store that takes its engine, which is in memory, for one that is a message away. */
async function withRemote<V = unknown>(
  options: OpenOptions<V>,
  use: (store: Store<string, V>, arrived: () => number) => Promise<void>,
): Promise<void> {
  const client = new Client()
  const store = new Store<string, V>('test', client, options)
  const engine = await startInline({ module: await wasmModule() }, client)
  client.connect({ send: (frame) => void setImmediate(() => engine.send(frame)), close: () => engine.close() })
  await client.request(done, () => {
    client.add(Op.open, 0, 0, 0, 'test')
    for (const [option, text] of engineEntries({ storage: 'memory' })) client.add(Op.open, 0, 0, 0, option, '', text)
  })
  try {
    await use(store, countArriving(client))
  } finally {
    await store.close()
  }
}

test('what was read last is read again without the engine', () =>
  withRemote({}, async (store, arrived) => {
    await store.put('a', { gate: 3 })
    await store.put('b', 'text')
    for (const [key, value] of [['a', { gate: 3 }], ['b', 'text'], ['absent', undefined]] as const) {
      assert.deepEqual(await store.get(key), value)
      const before = arrived()
      for (let i = 0; i < 50; i++) assert.deepEqual(await store.get(key), value)
      assert.equal(arrived(), before, key)
    }
  }))

test('what was put last is read without the engine', () =>
  withRemote({}, async (store, arrived) => {
    for (const value of ['text', 'é', '', 7, null, { gate: 3 }, ['\u{1f600}']]) {
      const written = store.put('k', value)
      assert.equal(await store.has('k'), true)
      assert.deepEqual(await store.get('k'), value)
      await written
      const before = arrived()
      assert.deepEqual(await store.get('k'), value)
      assert.equal(arrived(), before)
      await store.getMany([])
    }
    await store.del('k')
    await store.get('k')
    const before = arrived()
    assert.equal(await store.has('k'), false)
    assert.equal(arrived(), before)
  }))

test('a read sees every write that was called before it', () =>
  withRemote({}, async (store) => {
    const writes: [string, () => Promise<unknown>, unknown][] = [
      ['put', () => store.put('k', 1), 1],
      ['batch', () => store.batch([{ type: 'put', key: 'j', value: 0 }, { type: 'put', key: 'k', value: 2 }]), 2],
      ['put by bytes', () => store.put(Uint8Array.of(107), 3), 3],
      ['batch of del', () => store.batch([{ type: 'del', key: 'k' }]), undefined],
      ['deferred put', () => store.put('k', 4, { durability: 'deferred' }), 4],
      ['del', () => store.del('k'), undefined],
      ['put again', () => store.put('k', 5), 5],
      ['clear', () => store.clear({ prefix: 'k' }), undefined],
    ]
    for (const [name, write, value] of writes) {
      await store.get('k')
      const written = write()
      assert.deepEqual(await store.get('k'), value, name)
      await written
      assert.deepEqual(await store.get('k'), value, name)
    }
  }))

test('the answer to a read is not kept if a write was called meanwhile', () =>
  withRemote({}, async (store) => {
    await store.put('k', 0)
    await store.batch([{ type: 'put', key: 'k', value: 1 }])
    const [before, , after] = await Promise.all([store.get('k'), store.put('k', 2), store.get('k')])
    assert.deepEqual([before, after, await store.get('k')], [1, 2, 2])
    await store.batch([{ type: 'put', key: 'l', value: 3 }])
    const [old] = await Promise.all([store.get('l'), store.put(Uint8Array.of(108), 4)])
    assert.deepEqual([old, await store.get('l')], [3, 4])
  }))

test('a snapshot sees its moment, whatever was read last', () =>
  withRemote({}, async (store) => {
    await store.put('k', 1)
    await store.get('k')
    await using then = store.snapshot()
    await store.put('k', 2)
    assert.deepEqual([await store.get('k'), await then.get('k'), await store.get('k')], [2, 1, 2])
  }))

/** A store whose engine answers, when told to, the frame of the codec's test data: the fourth request fails. */
function stubbed() {
  const client = new Client()
  const store = new Store<string, unknown>('test', client, {})
  let sent = 0
  client.connect({ send: () => void sent++, close: () => undefined })
  return { store, sent: () => sent, answer: () => client.receive(golden('responses.hex')) }
}

test('a failure makes all forgotten, also what was asked before it', async () => {
  const { store, sent, answer } = stubbed()
  const asked = Promise.allSettled(['one', 'two', 'three'].map((key) => store.get(key)))
  const write = store.put('four', Uint8Array.of(4))
  await new Promise(setImmediate)
  answer()
  await assert.rejects(write, varveError('NO_SPACE'))
  await asked
  const before = sent()
  for (const key of ['one', 'two', 'three']) void store.get(key)
  await new Promise(setImmediate)
  assert.equal(sent(), before + 1)
})

test('a put that is refused before it leaves is forgotten', () =>
  withRemote({}, async (store) => {
    await store.put('k', 1)
    await assert.rejects(store.put('k', 2, { durability: 'never' as never }), varveError('INVALID_ARGUMENT'))
    await assert.rejects(store.put('k', () => 3), varveError('INVALID_ARGUMENT'))
    assert.equal(await store.get('k'), 1)
  }))

test('a put that fails is in no later read', async () => {
  const { store, answer } = stubbed()
  const writes = ['one', 'two', 'three', 'four'].map((key) => store.put(key, key))
  assert.equal(await store.get('four'), 'four')
  await new Promise(setImmediate)
  answer() // the fourth fails
  await assert.rejects(writes[3]!, varveError('NO_SPACE'))
  let seen: unknown = 'nothing'
  store.get('four').then((value) => (seen = value), () => undefined)
  await new Promise(setImmediate)
  assert.equal(seen, 'nothing', 'it was answered though the engine has not')
})

test('results are the caller’s own', () =>
  withRemote({}, async (store) => {
    await store.put('object', { list: [1] })
    await store.put('bytes', Uint8Array.of(1))
    await store.batch([{ type: 'put', key: 'read', value: { list: [1] } }])
    for (let i = 0; i < 3; i++) {
      const object = (await store.get('object')) as { list: number[] }
      assert.deepEqual(object, { list: [1] })
      object.list.push(2)
      const read = (await store.get('read')) as { list: number[] }
      assert.deepEqual(read, { list: [1] })
      read.list.push(2)
      const bytes = (await store.get('bytes')) as Uint8Array
      assert.deepEqual(bytes, Uint8Array.of(1))
      bytes[0] = 9
    }
  }))

test('codecs are asked for each result', () =>
  withRemote<Date>(
    { valueEncoding: { encode: (date) => date.toISOString(), decode: (bytes) => new Date(new TextDecoder().decode(bytes)) } },
    async (store) => {
      await store.batch([{ type: 'put', key: 'k', value: new Date(5) }])
      const [first, second] = [await store.get('k'), await store.get('k')]
      assert.deepEqual([first, second], [new Date(5), new Date(5)])
      assert.notEqual(first, second)
    },
  ))

test('what a codec has taken away is not kept', () => {
  const takes: Codec<{ length: number }> = {
    encode: ({ length }) => new Uint8Array(length),
    decode: ({ buffer }) => ({ length: structuredClone(buffer, { transfer: [buffer as ArrayBuffer] }).byteLength }),
  }
  return withRemote({ valueEncoding: takes }, async (store) => {
    await store.put('k', { length: 2000 })
    for (let i = 0; i < 2; i++) await assert.rejects(store.get('k'), varveError('IO'))
  })
})

test('no more is kept than a sixteenth of the budget', () =>
  withRemote<string>({ memoryBudget: 1 << 20 }, async (store, arrived) => {
    const keys = Array.from({ length: 200 }, (_, i) => `k${i}`)
    await store.batch(keys.map((key) => ({ type: 'put', key, value: 'v'.repeat(500) })))
    for (const key of keys) await store.get(key)
    const before = arrived()
    for (const key of keys.slice(-20)) await store.get(key)
    assert.equal(arrived(), before, 'the last are kept')
    for (const key of keys) await store.get(key)
    assert.ok(arrived() - before > 100 * 500, 'most are not')
  }))

test('keys larger than all that may be kept leave room for others', () =>
  withRemote<string>({ memoryBudget: 1 << 20 }, async (store, arrived) => {
    for (let i = 0; i < 20; i++) await store.put(`${i}`.padEnd(60_000, '/'), 'v'.repeat(4000))
    await store.put('k', 'v')
    const before = arrived()
    assert.equal(await store.get('k'), 'v')
    assert.equal(arrived(), before)
  }))

test('a key that is a part of a larger text does not keep that alive', () =>
  withRemote<number>({}, async (store) => {
    const heap = () => {
      globalThis.gc!()
      return process.memoryUsage().heapUsed
    }
    const before = heap()
    for (let i = 0; i < 100; i++) {
      const text = `key ${i}, and more; `.repeat(1 << 16)
      await store.put(text.slice(0, 20), i)
      await store.get(text.slice(0, 21))
    }
    assert.ok(heap() - before < 20 << 20, 'each text is kept')
  }))

test('what was read with much else is not kept', () =>
  withRemote<string>({}, async (store, arrived) => {
    const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`)
    await store.batch(keys.map((key) => ({ type: 'put', key, value: key })))
    await store.put('long', 'v'.repeat(10_000))
    await Promise.all(keys.slice(0, 100).map((key) => store.put(key, key)))
    for (let i = 0; i < 2; i++) {
      const before = arrived()
      await Promise.all(keys.slice(100).map((key) => store.get(key)))
      assert.ok(arrived() - before > 700 * 20)
    }
    await store.get('long')
    const before = arrived()
    await store.get('long')
    assert.ok(arrived() - before > 10_000)
  }))

test('a loop over reads lets the thread get to its events', () =>
  withRemote({}, async (store) => {
    await store.put('k', 0)
    setTimeout(() => void store.put('k', 1))
    const end = performance.now() + 30_000
    while ((await store.get('k')) !== 1) assert.ok(performance.now() < end, 'the timer never ran')
  }))

test('in the thread of the engine, a read now and then waits for its turn among the events', () =>
  withStore({}, async (store) => {
    await store.put('k', 1)
    const readAtOnce = async () => {
      let answered = false
      const read = store.get('k').then(() => (answered = true))
      for (let microtask = 0; microtask < 50 && !answered; microtask++) await undefined
      const atOnce = answered
      await read
      return atOnce
    }
    let reads = 0
    while (await readAtOnce()) assert.ok(++reads < 2000, 'no read has waited')
    assert.ok(reads > 100)
  }))

test('a store that was closed answers nothing any more', async () => {
  let read: (() => Promise<unknown>) | undefined
  await withRemote({}, async (store) => {
    await store.put('k', 1)
    await store.get('k')
    read = () => store.get('k')
    const closed = store.close()
    await assert.rejects(read(), varveError('CLOSED'))
    await closed
  })
  await assert.rejects(read!(), varveError('CLOSED'))
})

test('what is read again stays, and what is not goes first', () =>
  withRemote<string>({ memoryBudget: 1 << 20 }, async (store, arrived) => {
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)
    await store.batch(keys.map((key) => ({ type: 'put', key, value: 'v'.repeat(500) })))
    await store.get('k0')
    for (const key of keys.slice(1)) {
      await store.get(key)
      const before = arrived()
      await store.get('k0')
      assert.equal(arrived(), before, `k0 is gone after ${key}`)
    }
  }))

test('what was put is charged with its length', () =>
  withRemote<string>({ memoryBudget: 1 << 20 }, async (store, arrived) => {
    const keys = Array.from({ length: 100 }, (_, i) => `k${i}`)
    for (const key of keys) await store.put(key, 'v'.repeat(2000))
    const before = arrived()
    for (const key of keys) await store.get(key)
    assert.ok(arrived() - before > 50 * 2000, 'more than a sixteenth of the budget is kept')
  }))

for (const [what, again] of [
  ['cleared', (store: Store<string, string>) => store.clear({ prefix: 'k' })],
  ['written', (store: Store<string, string>) => store.batch([{ type: 'put', key: 'k', value: 'v'.repeat(2000) }])],
  ['read twice at once', (store: Store<string, string>) => Promise.all([store.del('k'), store.get('k'), store.get('k')])],
] as const) {
  test(`what is ${what} a thousand times takes no room for good`, () =>
    withRemote<string>({ memoryBudget: 1 << 20 }, async (store, arrived) => {
      for (let i = 0; i < 1000; i++) {
        await store.get('k')
        await again(store)
      }
      await store.put('a', '1')
      await store.put('b', '2')
      const before = arrived()
      assert.deepEqual([await store.get('a'), await store.get('b')], ['1', '2'])
      assert.equal(arrived(), before)
    }))
}

test('bytes that the caller changes are changed for nobody else, however many they are', () =>
  withRemote<Uint8Array>({}, async (store) => {
    for (const length of [1, 1500]) {
      const bytes = new Uint8Array(length).fill(7)
      await store.put('k', bytes)
      for (let i = 0; i < 3; i++) {
        const read = (await store.get('k'))!
        assert.deepEqual(read, bytes)
        read.fill(9)
      }
    }
  }))

test('a put that is refused when it was all but sent is in no later read', (t) =>
  withRemote<string>({}, async (store) => {
    await store.put('k', 'old')
    const take = t.mock.method(store.shared.client.writer, 'keep', () => {
      throw new RangeError('no memory')
    })
    const refused = store.put('k', 'never')
    take.mock.restore()
    const read = store.get('k')
    await assert.rejects(refused, varveError('INVALID_ARGUMENT', /no memory/))
    assert.deepEqual([await read, await store.get('k')], ['old', 'old'])
  }))
