import assert from 'node:assert/strict'
import test from 'node:test'
import { Client, done, type Reply } from '../src/client.js'
import { VarveError } from '../src/errors.js'
import { Op } from '../src/frame.js'
import type { Transport } from '../src/transport.js'
import { golden, varveError } from './support.js'

/** Keeps the frames that it is sent. */
class Wire implements Transport {
  readonly frames: Uint8Array[] = []
  closed = false

  send(frame: Uint8Array): void {
    this.frames.push(frame)
  }

  close(): void {
    this.closed = true
  }
}

const ids = (frame: Uint8Array): number[] => {
  const view = new DataView(frame.buffer)
  return Array.from({ length: view.getUint32(0, true) }, (_, i) => view.getUint32(4 + i * 20 + 4, true))
}

/** A frame with an empty response to each id. */
function answers(...to: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 + to.length * 20))
  view.setUint32(0, to.length, true)
  to.forEach((id, i) => view.setUint32(4 + i * 20 + 4, id, true))
  return new Uint8Array(view.buffer)
}

function connected(): { client: Client; wire: Wire } {
  const client = new Client()
  const wire = new Wire()
  client.connect(wire)
  return { client, wire }
}

function put(client: Client, value: string): Promise<void> {
  return client.request(done, () => client.add(Op.put, 0, 0, 0, 'key', '', value))
}

const tick = () => new Promise<void>(setImmediate)

test('the requests of one tick leave in one frame, in their order', async () => {
  const { client, wire } = connected()
  void client.call(Op.flush, 0, done)
  void client.call(Op.stats, 0, done)
  assert.equal(wire.frames.length, 0)
  await tick()
  assert.deepEqual(wire.frames.map(ids), [[1, 2]])
  void client.call(Op.flush, 0, done)
  await tick()
  assert.deepEqual(wire.frames.map(ids), [[1, 2], [3]])
})

test('responses find their requests in any order', async () => {
  const { client } = connected()
  const order: number[] = []
  const all = [1, 2, 3].map((n) => client.call(Op.get, 0, done).then(() => order.push(n)))
  await tick()
  client.receive(answers(3, 1))
  client.receive(answers(2))
  await Promise.all(all)
  assert.deepEqual(order, [3, 1, 2])
})

test('an id is used again only when it has been answered', async () => {
  const { client, wire } = connected()
  void client.call(Op.flush, 0, done)
  void client.call(Op.flush, 0, done)
  await tick()
  client.receive(answers(1))
  void client.call(Op.flush, 0, done)
  void client.call(Op.flush, 0, done)
  await tick()
  assert.deepEqual(wire.frames.map(ids), [[1, 2], [1, 3]])
})

test('of several ids that are free, each is used once', async () => {
  const { client, wire } = connected()
  const ask = (n: number) => void Array.from({ length: n }, () => client.call(Op.flush, 0, done))
  ask(4)
  await tick()
  client.receive(answers(2, 1, 4))
  ask(5)
  await tick()
  assert.deepEqual(ids(wire.frames[1]!).sort(), [1, 2, 4, 5, 6])
})

test('an error rejects its request alone, with code, message and fields', async () => {
  const { client } = connected()
  const all = [1, 2, 3, 4].map(() => client.call(Op.get, 0, { read: (response) => response.absent }))
  const settled = Promise.allSettled(all)
  await tick()
  client.receive(golden('responses.hex'))
  const [first, second, third, fourth] = await settled
  assert.deepEqual([first, second, third].map((s) => s?.status), ['fulfilled', 'fulfilled', 'fulfilled'])
  assert.ok(fourth?.status === 'rejected')
  varveError('NO_SPACE', /^full$/)(fourth.reason)
  assert.deepEqual((fourth.reason as VarveError).fields, { wanted: 10 })
})

test('a reply that throws half way leaves the responses behind it whole', async () => {
  const { client } = connected()
  let taken = false
  const broken: Reply<void> = {
    read() {
      // It gets the id that has just become free.
      void client.call(Op.get, 0, done).then(() => (taken = true))
      throw new Error('broken')
    },
  }
  const all = [done, done, broken, done].map((reply) => client.call(Op.get, 0, reply))
  const settled = Promise.allSettled(all)
  await tick()
  client.receive(golden('responses.hex'))
  const results = await settled
  assert.match(String((results[2] as PromiseRejectedResult).reason), /broken/)
  varveError('NO_SPACE')((results[3] as PromiseRejectedResult).reason)
  assert.ok(!taken, 'the rest of a response was taken for the answer to another request')
})

test('a frame that can’t be read ends the client, and nobody waits for ever', async () => {
  const { client, wire } = connected()
  const takes: Reply<void> = {
    read(response) {
      // What a codec does that hands its bytes to a worker.
      const { buffer } = response.valueBytes()
      structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
    },
  }
  const all = Promise.allSettled([takes, done, done].map((reply) => client.call(Op.get, 0, reply)))
  await tick()
  client.receive(answers(1, 2))
  const late = client.call(Op.get, 0, done)
  await assert.rejects(late, varveError('IO'))
  assert.deepEqual((await all).map((s) => s.status), ['fulfilled', 'rejected', 'rejected'])
  assert.ok(wire.closed)
})

test('what was asked before the engine runs is sent when it does', async () => {
  const client = new Client()
  const wire = new Wire()
  void client.call(Op.flush, 0, done)
  await tick()
  client.connect(wire)
  assert.deepEqual(wire.frames.map(ids), [[1]])
})

test('no more than 8 MiB are in flight, and the rest follows in order', async () => {
  const { client, wire } = connected()
  const value = 'v'.repeat(1 << 20)
  const all = Array.from({ length: 20 }, () => put(client, value))
  await tick()
  assert.equal(wire.frames.length, 7, 'frames of a little more than 1 MiB')
  client.receive(answers(1))
  await tick()
  assert.equal(wire.frames.length, 8)
  for (let id = 2; id <= 20; id++) {
    client.receive(answers(id))
    await tick()
  }
  await Promise.all(all)
  assert.deepEqual(wire.frames.flatMap(ids), Array.from({ length: 20 }, (_, i) => i + 1))
})

test('a request larger than what may be in flight is sent alone', async () => {
  const { client, wire } = connected()
  void put(client, 'v'.repeat(9 << 20))
  void put(client, 'v')
  await tick()
  assert.deepEqual(wire.frames.map(ids), [[1]])
  client.receive(answers(1))
  await tick()
  assert.deepEqual(wire.frames.map(ids), [[1], [2]])
})

test('nothing is sent while the engine is answering', async () => {
  const { client, wire } = connected()
  const value = 'v'.repeat(1 << 20)
  const during: number[] = []
  void client.call(Op.get, 0, {
    read() {
      void put(client, value)
      during.push(wire.frames.length)
    },
  })
  await tick()
  client.receive(answers(1))
  assert.deepEqual([during, wire.frames.length], [[1], 1])
  await tick()
  assert.equal(wire.frames.length, 2)
})

test('a request whose frame memory does not hold is refused alone', async (t) => {
  const { client, wire } = connected()
  const before = put(client, 'é')
  const take = t.mock.method(client.writer, 'take', () => {
    throw new RangeError('no memory')
  })
  const refused = put(client, 'v'.repeat(1 << 20))
  take.mock.restore()
  const after = put(client, 'v')
  await assert.rejects(refused, varveError('INVALID_ARGUMENT', /no memory/))
  await tick()
  assert.deepEqual(wire.frames.map(ids), [[1, 2]])
  client.receive(answers(1, 2))
  await Promise.all([before, after])
})

test('requests that can’t be sent for want of memory are rejected', async (t) => {
  const { client, wire } = connected()
  t.mock.method(client.writer, 'take', () => {
    throw new RangeError('no memory')
  })
  await assert.rejects(put(client, 'v'), varveError('IO', /no memory/))
  assert.ok(wire.closed)
})

test('a request without headers is answered at once, and nothing is sent', async () => {
  const { client, wire } = connected()
  assert.equal(await client.request(done, () => undefined), undefined)
  assert.deepEqual(await client.request({ read: (): number[] => assert.fail(), none: () => [] }, () => undefined), [])
  await assert.rejects(client.request(done, () => assert.fail('refused')), varveError('INVALID_ARGUMENT', /refused/))
  await tick()
  assert.deepEqual(wire.frames, [])
})

test('a failed engine rejects what is pending, and what comes after', async () => {
  const { client, wire } = connected()
  const pending = client.call(Op.get, 0, done)
  client.fail(new VarveError('IO', 'gone'))
  await assert.rejects(pending, varveError('IO', /gone/))
  assert.throws(() => client.check(), varveError('IO', /gone/))
  assert.ok(wire.closed)
  client.receive(answers(1))
})

test('close waits for its answer, refuses what comes later, and may be repeated', async () => {
  const { client, wire } = connected()
  const before = client.call(Op.get, 0, done)
  const closing = client.close()
  assert.equal(client.close(), closing)
  assert.throws(() => client.check(), varveError('CLOSED'))
  await tick()
  assert.deepEqual(wire.frames.map(ids), [[1, 2]])
  assert.ok(!wire.closed)
  client.receive(answers(1, 2))
  await Promise.all([before, closing])
  assert.ok(wire.closed)
  await client.close()
})

test('a close that fails says why, and ends the client all the same', async () => {
  const { client, wire } = connected()
  const closing = client.close()
  await tick()
  const failed = answers(1)
  failed[4] = 10
  client.receive(failed)
  await assert.rejects(closing, varveError('IO'))
  assert.ok(wire.closed)
  await assert.rejects(client.call(Op.get, 0, done), varveError('CLOSED'))
})

test('a client that has failed can be closed', async () => {
  const { client } = connected()
  client.fail(new VarveError('IO', 'gone'))
  await client.close()
})

test('requests that fail make room for those that wait, too', async () => {
  const { client, wire } = connected()
  const all = Promise.allSettled(Array.from({ length: 20 }, () => put(client, 'v'.repeat(1 << 20))))
  for (let id = 1; id <= 20; id++) {
    await tick()
    const failed = answers(id)
    failed[4] = 3
    client.receive(failed)
  }
  assert.deepEqual(wire.frames.flatMap(ids), Array.from({ length: 20 }, (_, i) => i + 1))
  for (const result of await all) varveError('NO_SPACE')((result as PromiseRejectedResult).reason)
})

test('a request whose own making ends the engine is rejected as all others', async () => {
  const { client } = connected()
  const ending = client.request(done, () => {
    client.fail(new VarveError('IO', 'gone'))
    client.add(Op.get, 0, 0, 0, 'key')
  })
  await assert.rejects(Promise.race([ending, tick()]), varveError('IO', /gone/))
})

test('what was refused beside text that is not ASCII leaves no request that nobody answers', async () => {
  const { client, wire } = connected()
  void put(client, 'é')
  const refused = client.request(done, () => {
    client.add(Op.put, 0, 0, 0, 'key', '', Uint8Array.of(1)) // after it, the text has been encoded
    assert.fail('refused')
  })
  const empty = client.request({ read: (): number[] => assert.fail(), none: () => [] }, () => undefined)
  await assert.rejects(refused, varveError('INVALID_ARGUMENT', /refused/))
  assert.deepEqual(await Promise.race([empty, tick()]), [])
  assert.deepEqual(wire.frames.map(ids), [[1]])
})

test('the facts of an error are numbers where they are numbers', async () => {
  const { client } = connected()
  const pending = client.call(Op.get, 0, done)
  await tick()
  const facts = { message: 'm', file: '000007.ldb', reason: '12', offset: '12', wanted: '10', available: '3' }
  client.receive(failure(1, facts))
  await assert.rejects(pending, (error: VarveError) => {
    assert.deepEqual(error.fields, { file: '000007.ldb', reason: '12', offset: 12, wanted: 10, available: 3 })
    return varveError('CORRUPT', /^m$/)(error)
  })
})

/** A frame with an answer that is an error: CORRUPT, and its facts. */
function failure(id: number, facts: Record<string, string>): Uint8Array {
  const entries = Object.entries(facts)
  const head = new DataView(new ArrayBuffer(4 + entries.length * 20))
  head.setUint32(0, entries.length, true)
  entries.forEach(([name, text], i) => {
    const at = 4 + i * 20
    head.setUint8(at, 4)
    head.setUint8(at + 1, i + 1 < entries.length ? 1 : 0)
    head.setUint32(at + 4, id, true)
    head.setUint32(at + 12, name.length, true)
    head.setUint32(at + 16, text.length, true)
  })
  return Buffer.concat([new Uint8Array(head.buffer), Buffer.from(entries.flat().join(''))])
}
