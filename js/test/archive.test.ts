import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import test from 'node:test'
import { Client } from '../src/client.js'
import { VarveError } from '../src/errors.js'
import { Op, RequestWriter } from '../src/frame.js'
import { importer, type ArchiveSource } from '../src/import.js'
import { open } from '../src/open.js'
import type { Store } from '../src/store.js'
import { countArriving, varveError, wasmModule, withStore } from './support.js'

const ENTRIES = 40_000
const key = (i: number) => `k${String(i).padStart(6, '0')}`

async function fill(store: Store<string, string>): Promise<void> {
  await store.batch(Array.from({ length: ENTRIES }, (_, i) => ({ type: 'put', key: key(i), value: crypto.randomUUID() })))
}

/** Opens a store made of an archive for the time of `use`. */
async function withImport(from: ArchiveSource, use: (store: Store<string, string>) => Promise<void>): Promise<void> {
  await withStore<string>({ valueEncoding: 'utf8', from }, use)
}

const bytesOf = async (store: Store<string, string>) => new Uint8Array(await new Response(store.export()).arrayBuffer())

test('an export is imported as it was, from whatever holds it', () =>
  withStore<string>({ valueEncoding: 'utf8' }, async (store) => {
    await fill(store)
    const rows = await store.scan().toArray()
    const bytes = await bytesOf(store)
    const sources: ArchiveSource[] = [
      store.export(),
      bytes,
      new Blob([bytes]),
      new Response(store.export()),
      new ReadableStream({
        start(controller) {
          for (let at = 0; at < bytes.length; at += 999) controller.enqueue(bytes.slice(at, at + 999))
          controller.close()
        },
      }),
    ]
    for (const from of sources) {
      await withImport(from, async (copy) => {
        assert.deepEqual(await copy.scan().toArray(), rows)
        await copy.put('more', 'of it')
        await copy.verify()
      })
    }
    assert.equal((await store.stats()).iterators, 0)
  }))

test('an export is of the moment of its call', () =>
  withStore<string>({ valueEncoding: 'utf8' }, async (store) => {
    const before = store.put('a', 'before')
    const archive = store.export()
    const after = [store.put('b', 'after'), store.clear({ prefix: 'a' }), store.compact()]
    await Promise.all([before, ...after])
    await withImport(archive, async (copy) => {
      assert.deepEqual(await copy.scan().toArray(), [['a', 'before']])
    })
    assert.deepEqual(await store.scan().toArray(), [['b', 'after']])
  }))

test('the pieces of an export are the reader’s own, to transfer as well', () =>
  withStore<string>({ valueEncoding: 'utf8' }, async (store) => {
    await fill(store)
    const read = async (stream: ReadableStream<Uint8Array>) => {
      let length = 0
      for await (const piece of stream) length += structuredClone(piece.buffer, { transfer: [piece.buffer as ArrayBuffer] }).byteLength
      return length
    }
    const { length } = await bytesOf(store)
    // What two ask for in one tick is answered in one frame.
    assert.deepEqual(await Promise.all([read(store.export()), read(store.export())]), [length, length])
  }))

test('a slow reader of an export holds a bounded part of it', () =>
  withStore<string>({ valueEncoding: 'utf8' }, async (store) => {
    await fill(store)
    const whole = (await bytesOf(store)).length
    const arrived = countArriving(store.shared.client)
    const reader = store.export().getReader()
    let read = 0
    for (;;) {
      for (let i = 0; i < 20; i++) await new Promise(setImmediate)
      assert.ok(arrived() - read <= (512 << 10) + 1000, `${arrived() - read} bytes wait for the reader`)
      const { done, value } = await reader.read()
      if (done) break
      read += value.length
    }
    assert.equal(read, whole)
    assert.ok(whole > 1_200_000, `${whole} bytes are too few to see it`)
  }))

test('an export that is cancelled, or dropped, holds nothing', () =>
  withStore<string>({ valueEncoding: 'utf8' }, async (store) => {
    await fill(store)
    const reader = store.export().getReader()
    await reader.read()
    assert.equal((await store.stats()).iterators, 1)
    await reader.cancel()
    assert.equal((await store.stats()).iterators, 0)
    await store.export().cancel()
    const waiting = store.export().getReader()
    const pending = waiting.read()
    await waiting.cancel()
    assert.deepEqual(await pending, { done: true, value: undefined })
    assert.equal((await store.stats()).iterators, 0)
    await (async () => void (await store.export().getReader().read()))()
    for (let i = 0; i < 100 && (await store.stats()).iterators > 0; i++) {
      globalThis.gc!()
      await new Promise(setImmediate)
    }
    assert.equal((await store.stats()).iterators, 0)
  }))

test('an export ends with its store', async () => {
  const store = await open<string>('test', { host: 'inline', storage: 'memory', wasmModule: await wasmModule(), valueEncoding: 'utf8' })
  await fill(store)
  const reader = store.export().getReader()
  await reader.read()
  await store.close()
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  }, varveError('CLOSED'))
  assert.throws(() => store.export(), varveError('CLOSED'))
})

const memory = async () => ({ host: 'inline', storage: 'memory', wasmModule: await wasmModule() }) as const

test('what is no archive, or a broken one, is refused and leaves nothing', () =>
  withStore<string>({ valueEncoding: 'utf8' }, async (store) => {
    await fill(store)
    const whole = await bytesOf(store)
    const damaged = whole.slice()
    damaged[5000]! ^= 1
    const cases: [from: unknown, code: 'CORRUPT' | 'INVALID_ARGUMENT' | 'IO', message: RegExp][] = [
      [damaged, 'CORRUPT', /checksum/],
      [whole.subarray(0, whole.length / 2), 'CORRUPT', /cut off/],
      [new Uint8Array(0), 'INVALID_ARGUMENT', /no tar archive/],
      [new TextEncoder().encode('x'.repeat(9000)), 'INVALID_ARGUMENT', /no tar archive/],
      [new Uint8Array(10240), 'INVALID_ARGUMENT', /no LevelDB store/],
      [new Response('no', { status: 404 }), 'INVALID_ARGUMENT', /status is 404/],
      [new Response(null), 'INVALID_ARGUMENT', /no tar archive/],
      ['a path', 'INVALID_ARGUMENT', /a string/],
      [null, 'INVALID_ARGUMENT', /null/],
      [[whole], 'INVALID_ARGUMENT', /an array/],
      [new ReadableStream({ start: (controller) => controller.enqueue('text') }), 'INVALID_ARGUMENT', /a string: the stream/],
      [new ReadableStream({ start: (controller) => controller.error(new TypeError('network')) }), 'IO', /network/],
    ]
    const locked = new Blob([whole]).stream()
    locked.getReader()
    cases.push([locked, 'INVALID_ARGUMENT', /somebody else/])
    for (const [from, code, message] of cases) {
      const opening = open('test', { ...(await memory()), from: from as Blob })
      await assert.rejects(opening, varveError(code, message))
    }
    const impossible = open('test', { ...(await memory()), from: whole, createIfMissing: false })
    await assert.rejects(impossible, varveError('INVALID_ARGUMENT', /createIfMissing is false .* from is given/))
  }))

test('an import that is aborted ends at once, and its source with it', async () => {
  for (const [pieces, after] of [[0, 0], [0, 50], [1, 50]] as const) {
    const controller = new AbortController()
    let cancelled = false
    const from = new ReadableStream<Uint8Array>({
      start(stream) {
        for (let i = 0; i < pieces; i++) stream.enqueue(new Uint8Array(100))
      },
      cancel: () => void (cancelled = true),
    })
    const opening = open('test', { ...(await memory()), from, signal: controller.signal })
    setTimeout(() => controller.abort('enough'), after)
    await assert.rejects(opening, varveError('ABORTED'))
    assert.ok(cancelled)
  }
})

test('an import ends with its engine, though its source gives nothing, and its source with it', async (t) => {
  const connect = t.mock.method(Client.prototype, 'connect')
  let cancelled = false
  const from = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) })
  const opening = open('test', { ...(await memory()), from })
  setTimeout(() => (connect.mock.calls[0]!.this as Client).fail(new VarveError('IO', 'The engine has crashed.')), 50)
  await assert.rejects(opening, varveError('IO', /crashed/))
  assert.ok(cancelled)
})

test('an import whose engine has ended before it is fed ends as well', async () => {
  const from = new ReadableStream<Uint8Array>()
  const given: number[] = []
  const give = async (piece: Uint8Array) => void given.push(piece.length)
  await importer(from, (message) => new Error(message), String)(undefined, AbortSignal.abort(), give)
  assert.deepEqual(given, [0])
})

test('an import that is aborted at its very end fails all the same', (t) =>
  withStore<string>({ valueEncoding: 'utf8' }, async (store) => {
    await store.put('a', '1')
    const bytes = await bytesOf(store)
    const controller = new AbortController()
    const { add } = RequestWriter.prototype
    t.mock.method(RequestWriter.prototype, 'add', function (this: RequestWriter, ...header: Parameters<typeof add>) {
      if (header[0] === Op.import && header[7].length === 0) controller.abort('enough')
      add.apply(this, header)
    })
    const opening = open('test', { ...(await memory()), from: bytes, signal: controller.signal })
    await assert.rejects(opening, (error) => varveError('ABORTED')(error) && (error as Error).cause === 'enough')
  }))

test('an import reads no more before the engine has taken what there is', async () => {
  let pulls = 0
  const from = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulls++
        controller.enqueue(new Uint8Array(1 << 20))
      },
    },
    { highWaterMark: 0 },
  )
  const given: number[] = []
  let fail: (error: Error) => void
  const give = (piece: Uint8Array) => {
    given.push(piece.length)
    return new Promise<void>((_, reject) => (fail = reject)) // an engine that never answers
  }
  const feeding = importer(from, (message) => new Error(message), String)(undefined, new AbortController().signal, give)
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  assert.equal(pulls, 1)
  assert.deepEqual(given, [256 << 10])
  fail!(new Error('gone'))
  await assert.rejects(feeding, /gone/)
})

test('an import takes a stream with empty pieces in it', () =>
  withStore<string>({ valueEncoding: 'utf8' }, async (store) => {
    await store.put('a', '1')
    const bytes = await bytesOf(store)
    const from = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const [begin, end] of [[0, 0], [0, 700], [700, 700], [700, bytes.length]]) controller.enqueue(bytes.slice(begin, end))
        controller.close()
      },
    })
    await withImport(from, async (copy) => assert.deepEqual(await copy.scan().toArray(), [['a', '1']]))
  }))

test('a source whose import is refused is let go, and so is the signal of one that is done', () =>
  withStore<string>({ valueEncoding: 'utf8' }, async (store) => {
    await store.put('a', '1')
    const { signal } = new AbortController()
    const copy = await open('test', { ...(await memory()), from: await bytesOf(store), signal })
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    await copy.close()

    const cases: [options: object, piece: Uint8Array, code: 'INVALID_ARGUMENT' | 'UNSUPPORTED'][] = [
      [{}, new Uint8Array(9000).fill(7), 'INVALID_ARGUMENT'], // by the engine, when it has seen it
      [{ storage: 'idb' }, new Uint8Array(1), 'UNSUPPORTED'], // before there is an engine
    ]
    for (const [options, piece, code] of cases) {
      let cancelled = false
      const from = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(piece), cancel: () => void (cancelled = true) })
      await assert.rejects(open('test', { ...(await memory()), ...options, from }), varveError(code))
      assert.ok(cancelled, `it is read on after ${code}`)
    }
  }))
