import assert from 'node:assert/strict'
import test from 'node:test'
import { Client, done } from '../src/client.js'
import type { VarveError } from '../src/errors.js'
import { Op } from '../src/frame.js'
import { Host } from '../src/host.js'
import { stop } from '../src/paced.js'
import { varveError, wasmModule, withStore } from './support.js'

test('a crash of the engine rejects what is pending and is said once', async (t) => {
  t.mock.method(console, 'error', () => undefined)
  const client = new Client()
  const failures: VarveError[] = []
  const host = await Host.start(
    await wasmModule(),
    (frame) => client.receive(frame),
    (error) => {
      failures.push(error)
      client.fail(error)
    },
  )
  const pending = client.call(Op.get, 0, done)
  host.submit(Uint8Array.of(1, 2, 3))
  await assert.rejects(pending, varveError('IO', /crashed/))
  host.submit(Uint8Array.of(1, 2, 3))
  await new Promise(setImmediate)
  assert.equal(failures.length, 1)
})

test('a frame of responses is memory of its own', async () => {
  const frames: Uint8Array[] = []
  const host = await Host.start(await wasmModule(), (frame) => frames.push(frame), assert.fail)
  const get = new Uint8Array(24)
  get[0] = 1
  get[4] = Op.get
  get[8] = 7
  host.submit(get)
  const first = frames[0]!.slice()
  get[8] = 8
  host.submit(get)
  stop(host)
  assert.deepEqual(frames[0], first)
  assert.equal(frames[0]!.buffer.byteLength, frames[0]!.length)
  assert.deepEqual(frames.map((frame) => frame[8]), [7, 8])
})

test('bytes that were read from an engine in this thread stay as they are when more is read', () =>
  withStore<Uint8Array>({ valueEncoding: 'view' }, async (store) => {
    await store.batch([1, 2].map((byte) => ({ type: 'put', key: `k${byte}`, value: new Uint8Array(100).fill(byte) })))
    const [first] = await store.getMany(['k1'])
    const [scanned] = await store.values({ prefix: 'k1' }).toArray()
    await store.getMany(['k2'])
    await store.values({ prefix: 'k2' }).toArray()
    assert.deepEqual([first, scanned], [new Uint8Array(100).fill(1), new Uint8Array(100).fill(1)])
  }))
