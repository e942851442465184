import assert from 'node:assert/strict'
import test from 'node:test'
import { Client } from '../src/client.js'
import { Op } from '../src/frame.js'
import { engineEntries, type Durability, type WriteOptions } from '../src/options.js'
import { Store } from '../src/store.js'

/** The ops and durabilities of all headers of a frame. */
function headersOf({ buffer }: Uint8Array<ArrayBuffer>): [op: number, durability: number][] {
  const view = new DataView(buffer)
  return Array.from({ length: view.getUint32(0, true) }, (_, i) => [view.getUint8(4 + 20 * i), view.getUint8(4 + 20 * i + 2)])
}

test('each write tells the engine the durability that it was given, and no other', async () => {
  const client = new Client()
  const store = new Store('test', client, {})
  const frames: Uint8Array<ArrayBuffer>[] = []
  client.connect({ send: (frame) => void frames.push(frame), close: () => undefined })
  const given: [options: WriteOptions | undefined, code: number][] = [
    [undefined, 0], [{}, 0], [{ durability: undefined }, 0], [{ durability: 'strict' }, 1], [{ durability: 'relaxed' }, 2], [{ durability: 'deferred' }, 3],
  ]
  for (const [options, code] of given) {
    void store.put('a', 1, options)
    void store.del('a', options)
    void store.batch([{ type: 'put', key: 'a', value: 1 }, { type: 'del', key: 'b' }], options)
    void store.clear({ prefix: 'a', ...options })
    await new Promise(setImmediate)
    const sent = headersOf(frames.pop()!)
    assert.deepEqual(sent, [Op.put, Op.del, Op.put, Op.del, Op.clear].map((op) => [op, code]), JSON.stringify(options))
  }
})

test('the engine is told what the store was opened with', () => {
  const told = (options: Parameters<typeof engineEntries>[0]) => Object.fromEntries(engineEntries(options))
  assert.deepEqual(told({}), { storage: 'idb', createIfMissing: 'true', errorIfExists: 'false', durability: 'relaxed', import: 'false' })
  for (const durability of ['strict', 'relaxed', 'deferred'] satisfies Durability[]) {
    assert.equal(told({ durability })['durability'], durability)
  }
  assert.deepEqual(told({ storage: 'memory', createIfMissing: false, memoryBudget: 5 << 20 }), {
    storage: 'memory', createIfMissing: 'false', errorIfExists: 'false', durability: 'relaxed', import: 'false', memoryBudget: '5242880',
  })
  assert.deepEqual(told({ dir: 'data', errorIfExists: true, from: new Uint8Array(1) }), {
    storage: 'dir', createIfMissing: 'true', errorIfExists: 'true', durability: 'relaxed', import: 'true',
  })
})
