import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { Client, done } from '../src/client.js'
import { VarveError } from '../src/errors.js'
import { Op } from '../src/frame.js'
import { destroy, list, open } from '../src/open.js'
import { startWorker, type WorkerMessage } from '../src/transport.js'
import { varveError, wasmModule } from './support.js'

/** A worker without a thread: what it is sent is kept, what it says is said by the test. */
class StillWorker extends EventTarget {
  static all: StillWorker[] = []
  readonly sent: unknown[] = []
  terminated = false
  onmessage: ((event: { data: unknown }) => void) | undefined
  onerror: ((event: ErrorEvent) => void) | undefined
  onmessageerror: (() => void) | undefined
  /** Called with what it is sent, if the test has an answer to that. */
  static answer: (worker: StillWorker, frame: Uint8Array) => void = () => undefined

  constructor() {
    super()
    StillWorker.all.push(this)
    queueMicrotask(() => this.say('listens'))
  }

  say(data: WorkerMessage | ArrayBuffer): void {
    this.onmessage?.({ data })
  }

  postMessage(data: unknown): void {
    this.sent.push(data)
    if (data instanceof ArrayBuffer) StillWorker.answer(this, new Uint8Array(data))
    else queueMicrotask(() => this.say('runs'))
  }

  terminate(): void {
    this.terminated = true
  }
}

/** Lets everything take `StillWorker` for the browser's, and the browser for one that has what it takes. */
function still(t: TestContext, answer: typeof StillWorker.answer = () => undefined): StillWorker[] {
  const stands: Record<string, unknown> = { Worker: StillWorker, indexedDB: {}, navigator: { locks: {} } }
  for (const [name, value] of Object.entries(stands)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name)
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
    t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete (globalThis as Record<string, unknown>)[name]))
  }
  StillWorker.answer = answer
  return (StillWorker.all = [])
}

/** A frame that answers the request of a frame by an error, or by names. */
function answers(frame: Uint8Array, status: number, flags: number, ...keys: string[]): ArrayBuffer {
  const count = Math.max(keys.length, 1)
  const bytes = keys.map((key) => new TextEncoder().encode(key))
  const all = new Uint8Array(4 + 20 * count + bytes.reduce((sum, { length }) => sum + length, 0))
  const view = new DataView(all.buffer)
  view.setUint32(0, count, true)
  let end = 4 + 20 * count
  for (let i = 0; i < count; i++) {
    all.set([status, flags | (i < count - 1 ? 1 : 0)], 4 + 20 * i)
    all.set(frame.subarray(8, 12), 4 + 20 * i + 4)
    view.setUint32(4 + 20 * i + 12, bytes[i]?.length ?? 0, true)
    all.set(bytes[i] ?? [], end)
    end += bytes[i]?.length ?? 0
  }
  return all.buffer
}

const ABSENT = 8

async function asked(workers: StillWorker[]): Promise<StillWorker> {
  while (!workers.some(({ sent }) => sent.length > 1)) await new Promise(setImmediate)
  return workers[0]!
}

test('a worker gets its start first, then frames in their order, also those that were sent before it ran', async (t) => {
  const workers = still(t)
  const client = new Client()
  const module = await wasmModule()
  client.connect(startWorker({ module }, undefined, client))
  for (let i = 0; i < 3; i++) {
    client.call(Op.flush, 0, done).catch(() => undefined)
    await Promise.resolve()
  }
  const worker = await asked(workers)
  client.call(Op.stats, 0, done).catch(() => undefined)
  await new Promise(setImmediate)
  assert.deepEqual(worker.sent[0], { start: { module } })
  const ops = worker.sent.slice(1).flatMap((frame) => {
    const view = new DataView(frame as ArrayBuffer)
    return Array.from({ length: view.getUint32(0, true) }, (_, i) => view.getUint8(4 + 20 * i))
  })
  assert.deepEqual(ops, [Op.flush, Op.flush, Op.flush, Op.stats])
})

test('what a worker fails of is told to all that wait, with code and fields, and ends it', async (t) => {
  const cases: [fails: (worker: StillWorker) => void, code: 'IO' | 'UNSUPPORTED', message: RegExp, fields: object][] = [
    [(worker) => worker.say({ failure: { code: 'IO', message: 'is not there', fields: { status: 404 } } }), 'IO', /is not there/, { status: 404 }],
    [(worker) => worker.onerror!(said('out of memory')), 'IO', /out of memory/, {}],
    [(worker) => worker.onmessageerror!(), 'IO', /could not be read/, {}],
  ]
  for (const [fails, code, message, fields] of cases) {
    const workers = still(t)
    const opening = open('test', { wasmModule: await wasmModule() })
    const worker = await asked(workers)
    fails(worker)
    await assert.rejects(opening, (error: VarveError) => {
      assert.deepEqual(error.fields, fields)
      return varveError(code, message)(error)
    })
    assert.ok(worker.terminated)
  }
})

/** An error event, as far as it is looked at. */
function said(message: string): ErrorEvent {
  return Object.assign(new Event('error', { cancelable: true }), { message }) as ErrorEvent
}

test('a worker that was never heard of could not be loaded', async (t) => {
  const workers = still(t)
  const opening = open('test', { wasmModule: await wasmModule(), workerUrl: 'https://example.org/worker.js' })
  workers[0]!.onerror!(said(''))
  await assert.rejects(opening, varveError('UNSUPPORTED', /could not be loaded from https:\/\/example\.org\/worker\.js/))
})

test('list gives the names, or none, and its worker ends', async (t) => {
  for (const names of [[], ['a'], ['a', 'b', 'é']]) {
    const workers = still(t, (worker, frame) => worker.say(answers(frame, 0, names.length === 0 ? ABSENT : 0, ...names)))
    assert.deepEqual(await list({ wasmModule: await wasmModule() }), names)
    assert.deepEqual(workers.map(({ terminated }) => terminated), [true])
  }
})

test('destroy ends its worker, whether it is done or refused', async (t) => {
  for (const status of [0, 2]) {
    const workers = still(t, (worker, frame) => worker.say(answers(frame, status, 0)))
    const destroying = destroy('test', { wasmModule: await wasmModule() })
    if (status === 0) await destroying
    else await assert.rejects(destroying, varveError('LOCKED'))
    assert.deepEqual(workers.map(({ terminated }) => terminated), [true])
  }
})

test('a signal ends the opening of a store, and not the store', async (t) => {
  const workers = still(t, (worker, frame) => worker.say(answers(frame, 0, 0)))
  const controller = new AbortController()
  const store = await open('test', { wasmModule: await wasmModule(), signal: controller.signal })
  controller.abort()
  await store.put('a', Uint8Array.of(1))
  assert.ok(!workers[0]!.terminated)
  await store.close()
  assert.ok(workers[0]!.terminated)
})

test('an opening that is refused or aborted ends its worker', async (t) => {
  const refused = still(t, (worker, frame) => worker.say(answers(frame, 7, 0)))
  await assert.rejects(open('test', { wasmModule: await wasmModule() }), varveError('EXISTS'))
  assert.deepEqual(refused.map(({ terminated }) => terminated), [true])

  const aborted = still(t)
  const controller = new AbortController()
  const opening = open('test', { wasmModule: await wasmModule(), signal: controller.signal })
  await asked(aborted)
  controller.abort('enough')
  await assert.rejects(opening, (error: VarveError) => varveError('ABORTED')(error) && error.cause === 'enough')
  assert.deepEqual(aborted.map(({ terminated }) => terminated), [true])
})

test('an import that is refused ends its worker, when that has cleared up', async (t) => {
  const asked: number[] = []
  const workers = still(t, (worker, frame) => {
    const op = frame[4]!
    asked.push(op)
    worker.say(answers(frame, op === Op.import ? 4 : 0, 0))
  })
  await assert.rejects(open('test', { wasmModule: await wasmModule(), from: Uint8Array.of(1) }), varveError('CORRUPT'))
  assert.deepEqual(asked, [Op.open, Op.import, Op.close])
  assert.deepEqual(workers.map(({ terminated }) => terminated), [true])
})

test('an engine that starts when its client has failed is ended at once', async () => {
  const client = new Client()
  const pending = client.call(Op.get, 0, done)
  client.fail(new VarveError('IO', 'gone'))
  await assert.rejects(pending, varveError('IO', /gone/))
  let ended = 0
  client.connect({ send: () => assert.fail('it is asked'), close: () => void ended++ })
  assert.equal(ended, 1)
})
