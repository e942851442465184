import assert from 'node:assert/strict'
import test from 'node:test'
import { Op, RequestFlag, RequestWriter, ResponseReader } from '../src/frame.js'
import { golden } from './support.js'

test('the engine reads what a writer packs', () => {
  const writer = new RequestWriter()
  writer.add(Op.put, 0, 1, 1, 0, 'a', '\x01', 'one')
  writer.keep()
  writer.add(Op.put, 0, 0, 2, 0, 'é', '', Uint8Array.of(0x7a, 0))
  writer.add(Op.del, 0, 0, 2, 0, 'b', '', '')
  writer.keep()
  writer.add(Op.get, 0, 0, 3, 7, Uint8Array.of(0xff), '', '')
  writer.keep()
  writer.add(Op.clear, RequestFlag.upperBound, 3, 0x01020304, 0, Uint8Array.of(0x70), '', 'q')
  assert.deepEqual(writer.take(), golden('requests.hex'))
})

test('a reader unpacks what the engine sends', () => {
  const response = new ResponseReader(golden('responses.hex'))
  const next = () => (assert.ok(response.next()), response)
  assert.deepEqual([next().id, response.status, response.valueText(), response.more], [1, 0, 'one', false])
  assert.deepEqual([next().id, response.absent], [2, true])
  assert.deepEqual([next().id, response.keyText(), response.valueText(), response.more], [3, 'a', 'é', true])
  assert.deepEqual([next().keyBytes(), response.more, response.end], [Uint8Array.of(0xff), false, true])
  assert.equal(response.valueText(), 'all of it is ASCII')
  assert.equal(response.valueText(4), 'of it is ASCII')
  assert.deepEqual([next().id, response.status, response.valueText()], [4, 3, 'full'])
  assert.deepEqual([next().keyText(), response.valueText()], ['wanted', '10'])
  assert.equal(response.next(), false)
})

test('a reader reads frames that lie within larger buffers', () => {
  const frame = golden('responses.hex')
  const larger = new Uint8Array(frame.length + 7)
  larger.set(frame, 5)
  const response = new ResponseReader(larger.subarray(5, 5 + frame.length))
  response.next()
  assert.equal(response.valueText(), 'one')
})

test('a writer begins anew after take, and is as large as what it packed', () => {
  const writer = new RequestWriter()
  const long = 'é'.repeat(5000)
  writer.add(Op.put, 0, 0, 1, 0, 'key', '', long)
  const first = writer.take()
  assert.equal(first.length, 4 + 20 + 3 + 10000)
  assert.ok(writer.empty)
  writer.add(Op.get, 0, 0, 2, 0, 'k', '', '')
  assert.equal(writer.size, 4 + 20 + 1)
  assert.equal(writer.take().length, 25)
})

test('a request that is rolled back leaves those before it as they were', () => {
  const strange = { length: 2 ** 52 } as Uint8Array
  for (const before of ['text', 'é', Uint8Array.of(1, 2)]) {
    for (const after of [[], ['text'], ['é'], ['x', Uint8Array.of(3)], ['é', Uint8Array.of(3), 'ü'], [Uint8Array.of(3), strange], ['x', strange]] as (string | Uint8Array)[][]) {
      const write = (rolledBack: boolean) => {
        const writer = new RequestWriter()
        writer.add(Op.put, 0, 0, 1, 0, 'key', 't', before)
        writer.keep()
        if (rolledBack) {
          try {
            // The last is more than memory holds.
            for (const value of after) writer.add(Op.put, 0, 0, 2, 0, 'ghost', 't', value)
          } catch (error) {
            assert.ok(error instanceof RangeError)
          }
          writer.rollBack()
        }
        writer.add(Op.get, 0, 0, 2, 0, 'é', '', '')
        return writer.take()
      }
      assert.deepEqual(write(true), write(false))
    }
  }
})

test('many headers outgrow the first buffer', () => {
  const writer = new RequestWriter()
  for (let i = 1; i <= 1000; i++) writer.add(Op.get, 0, 0, i, 0, `key ${i}`, '', '')
  const frame = writer.take()
  const view = new DataView(frame.buffer)
  assert.equal(view.getUint32(0, true), 1000)
  assert.equal(view.getUint32(4 + 999 * 20 + 4, true), 1000)
  assert.equal(new TextDecoder().decode(frame.subarray(-8)), 'key 1000')
})

test('a writer gives up the memory that a large request took', async () => {
  const writer = new RequestWriter()
  const held = async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc!()
      await new Promise(setImmediate)
    }
    return process.memoryUsage().arrayBuffers
  }
  const before = await held()
  for (let i = 0; i < 500_000; i++) writer.add(Op.put, 0, 0, 1, 0, `${i}`, '', Uint8Array.of(1))
  writer.keep()
  writer.take()
  const after = await held()
  assert.ok(after - before < 5 << 20, `it holds ${after - before} bytes`)
  writer.add(Op.flush, 0, 0, 7, 0, '', '', '')
  assert.equal(new DataView(writer.take().buffer).getUint32(8, true), 7)
})

test('text that is not UTF-8 is not made up', () => {
  const frame = golden('responses.hex')
  frame[4 + 3 * 20 + 1]! &= ~(2 | 4)
  const response = new ResponseReader(frame)
  for (let i = 0; i < 4; i++) response.next()
  assert.throws(() => response.keyText(), TypeError)
})

test('text of every length and place in a frame is packed alike', () => {
  for (const key of ['k', 'é', 'k'.repeat(64), 'k'.repeat(65), `${'k'.repeat(63)}é`, `${'k'.repeat(64)}é`]) {
    for (const before of ['', 'b', 'ü', Uint8Array.of(1, 2)]) {
      const writer = new RequestWriter()
      writer.add(Op.put, 0, 0, 1, 0, 'x', '', before)
      writer.add(Op.get, 0, 0, 2, 0, key, '', '')
      const frame = writer.take()
      const bytes = (data: string | Uint8Array) => Buffer.from(data)
      assert.deepEqual(Buffer.from(frame.subarray(44)), Buffer.concat([bytes('x'), bytes(before), bytes(key)]))
      const view = new DataView(frame.buffer)
      assert.deepEqual([view.getUint32(20, true), view.getUint32(36, true)], [bytes(before).length, bytes(key).length])
    }
  }
})

test('bytes that are read from a frame on loan outlive it', () => {
  const frame = golden('responses.hex')
  const owned = new ResponseReader(golden('responses.hex'))
  const lent = new ResponseReader(frame, true)
  const read = (response: ResponseReader) => {
    const entries = []
    while (response.next()) entries.push([response.id, response.status, response.flags, response.keyBytes(), response.valueBytes()])
    return entries
  }
  const entries = read(lent)
  frame.fill(0)
  assert.deepEqual(entries, read(owned))
})
