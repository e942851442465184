import assert from 'node:assert/strict'
import test from 'node:test'
import { runInNewContext } from 'node:vm'
import { done } from '../src/client.js'
import { encodingOf, type ValueEncoding } from '../src/encodings.js'
import { Op, ResponseReader } from '../src/frame.js'
import { varveError, withStore } from './support.js'

/** Encodes a value and lets a store give it back. */
async function roundTrip<V>(valueEncoding: ValueEncoding<V>, values: V[]): Promise<void> {
  await withStore<V>({ valueEncoding }, async (store) => {
    await Promise.all(values.map((value, i) => store.put(`k${i}`, value)))
    const back = await store.getMany(values.map((_, i) => `k${i}`))
    assert.deepStrictEqual(back, values)
  })
}

const shared = { not: 'a cycle' }

test('any gives values back as they were put', () =>
  roundTrip<unknown>('any', [
    '', 'text', 'é€😀', '\ufeffwith a byte order mark', '\0', '{"not":"parsed"}', 'x'.repeat(100_000),
    0, -1.5, 1e300, true, false, null,
    [], {}, [1, [2, { three: [null] }]], { nested: { text: 'ü', list: [1, 2] }, '': 1 },
    JSON.parse('{"__proto__": 1, "a.b": 2}'), { surrogate: '\ud800' },
    { twice: [shared, shared] },
    Uint8Array.of(), Uint8Array.of(0, 1, 2, 255), new Uint8Array(100_000).fill(7),
  ]))

test('bytes are stored as they are seen, and come back as a Uint8Array of their own', () =>
  withStore({}, async (store) => {
    const whole = Uint8Array.of(1, 2, 3, 4, 5)
    await store.batch([
      { type: 'put', key: 'part', value: whole.subarray(1, 4) },
      { type: 'put', key: 'buffer', value: Buffer.from('text') },
      { type: 'put', key: 'of a buffer', value: new Uint8Array(new Uint16Array([0x0201]).buffer) },
    ])
    const [part, buffer, ofBuffer] = (await store.getMany(['part', 'buffer', 'of a buffer'])) as Uint8Array[]
    assert.deepStrictEqual(part, Uint8Array.of(2, 3, 4))
    assert.deepStrictEqual(buffer, new Uint8Array(new TextEncoder().encode('text')))
    assert.deepStrictEqual(ofBuffer, Uint8Array.of(1, 2))
    part!.fill(9)
    assert.deepStrictEqual(await store.get('part'), Uint8Array.of(2, 3, 4))
  }))

test('json gives back what JSON.parse makes of it', async () => {
  await roundTrip<unknown>('json', ['text', 1, null, { a: [true] }])
  await withStore<unknown>({ valueEncoding: 'json' }, async (store) => {
    await store.put('date', new Date(0))
    assert.equal(await store.get('date'), '1970-01-01T00:00:00.000Z')
  })
})

test('utf8 stores strings', () => roundTrip('utf8', ['', 'text', '\ufeffé😀']))

test('view stores bytes', () => roundTrip('view', [Uint8Array.of(), Uint8Array.of(1, 2, 255)]))

test('a codec stores what it makes', () =>
  roundTrip<Date>(
    { encode: (date) => date.toISOString(), decode: (bytes) => new Date(new TextDecoder().decode(bytes)) },
    [new Date(0), new Date(1e12)],
  ))

test('a codec may give the same memory each time', () => {
  const memory = new Uint8Array(8)
  const numbers: ValueEncoding<number> = {
    encode(value) {
      new DataView(memory.buffer).setFloat64(0, value)
      return memory
    },
    decode: (bytes) => new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0),
  }
  return withStore<number>({ valueEncoding: numbers }, async (store) => {
    await Promise.all([store.put('a', 1), store.put('b', 2)])
    await store.batch([3, 4, 5].map((value) => ({ type: 'put', key: `k${value}`, value })))
    assert.deepEqual(await store.values().toArray(), [1, 2, 3, 4, 5])
  })
})

test('an undefined property is left out', async () => {
  await withStore({}, async (store) => {
    await store.put('k', { a: undefined, b: 1 })
    assert.deepStrictEqual(await store.get('k'), { b: 1 })
  })
})

test('objects of another realm are plain too', async () => {
  const foreign = runInNewContext('({ list: [1, { a: null }] })') as object
  await withStore({}, async (store) => {
    await store.put('k', foreign)
    assert.deepStrictEqual(await store.get('k'), { list: [1, { a: null }] })
  })
})

test('an error of the caller’s own code is the cause of what it is told as', async () => {
  const mine = new Error('mine')
  const fails = (): never => { throw mine }
  const isMine = (error: unknown) => varveError('INVALID_ARGUMENT')(error) && (error as Error).cause === mine
  await withStore<unknown>({ valueEncoding: { encode: fails, decode: fails } }, async (store) => {
    await assert.rejects(store.put('k', 1), isMine)
    store.shared.client.request(done, () => store.shared.client.add(Op.put, 0, 0, 0, 'k', '', 'v')).catch(assert.fail)
    await assert.rejects(store.get('k'), isMine)
    await assert.rejects(store.batch([{ type: 'put', key: 'k', value: 1 }]), (error: Error) => isMine(error.cause))
  })
  await withStore({}, async (store) => {
    await assert.rejects(store.put('k', Object.defineProperty({}, 'a', { enumerable: true, get: fails })), isMine)
  })
})

class Point {
  x = 1
}

const cycle: { self?: unknown } = {}
cycle.self = cycle
let deep: unknown = 1
for (let i = 0; i < 100_000; i++) deep = [deep]

const transferred = Uint8Array.of(1, 2)
structuredClone(transferred, { transfer: [transferred.buffer] })

const refused: [encoding: ValueEncoding<never>, name: string, value: unknown, message: RegExp][] = [
  ['any', 'undefined', undefined, /undefined/],
  ['any', 'a function', () => 1, /a function/],
  ['any', 'a symbol', Symbol('s'), /a symbol/],
  ['any', 'a bigint', 1n, /a bigint/],
  ['any', 'NaN', NaN, /NaN/],
  ['any', 'Infinity within', { a: [1, Infinity] }, /at \.a\[1\] is Infinity/],
  ['any', 'a bigint within', { list: [{ n: 1n }] }, /at \.list\[0\]\.n is a bigint/],
  ['any', 'undefined within a list', [undefined], /at \[0\] is undefined/],
  ['any', 'a hole in a list', [, 1], /at \[0\] is undefined/],
  ['any', 'a function within', { f() {} }, /at \.f is a function/],
  ['any', 'a Map', new Map(), /Map.*Array\.from/],
  ['any', 'a Set within', { s: new Set() }, /at \.s is a value of type Set/],
  ['any', 'a Date', new Date(), /Date.*toISOString/],
  ['any', 'an instance of a class', new Point(), /Point/],
  ['any', 'an ArrayBuffer', new ArrayBuffer(1), /ArrayBuffer.*Uint8Array/],
  ['any', 'a SharedArrayBuffer', new SharedArrayBuffer(1), /SharedArrayBuffer/],
  ['any', 'a DataView', new DataView(new ArrayBuffer(1)), /DataView.*Uint8Array/],
  ['any', 'another typed array', new Float64Array(1), /Float64Array.*Uint8Array/],
  ['any', 'clamped bytes', new Uint8ClampedArray(1), /Uint8ClampedArray.*Uint8Array/],
  ['any', 'an ArrayBuffer within', [{ b: new ArrayBuffer(1) }], /at \[0\]\.b is a value of type ArrayBuffer/],
  ['any', 'a symbol within', { s: Symbol('s') }, /at \.s is a symbol/],
  ['any', 'a Map within', { list: [new Map()] }, /at \.list\[0\] is a value of type Map/],
  ['any', 'a Date within', { at: new Date() }, /at \.at is a value of type Date/],
  ['any', 'a boxed string', new String('s'), /String/],
  ['any', 'a RegExp', /./, /RegExp/],
  ['any', 'an Error', new Error('e'), /Error/],
  ['any', 'a promise', Promise.resolve(), /Promise/],
  ['any', 'a generator', (function* () {})(), /object/],
  ['any', 'bytes within', { b: Uint8Array.of(1) }, /at \.b is a value of type Uint8Array/],
  ['any', 'what has a toJSON', { toJSON: () => 1 }, /plain object/],
  ['any', 'an array that has a toJSON', Object.assign([1], { toJSON: () => 1 }), /plain object/],
  ['any', 'a cycle', cycle, /at \.self contains itself/],
  ['any', 'too deep a nesting', deep, /nested too deeply/],
  ['any', 'half of a surrogate pair', 'a\ud800', /surrogate/],
  ['utf8', 'half of a surrogate pair', '\udc00', /surrogate/],
  ['utf8', 'a number', 1, /a number/],
  ['any', 'bytes that were transferred', transferred, /transferred.*a copy/],
  ['view', 'bytes that were transferred', transferred, /transferred.*a copy/],
  ['view', 'a string', 'text', /a string/],
  ['view', 'another typed array', new Uint16Array(1), /Uint16Array/],
  ['json', 'undefined', undefined, /undefined/],
  ['json', 'a function', () => 1, /a function/],
  ['json', 'a bigint', 1n, /BigInt/],
  ['json', 'a cycle', cycle, /circular/],
  [{ encode: () => 1 as unknown as string, decode: () => 1 as never }, 'what a codec makes a number', 1, /encode returned a number/],
  [{ encode: () => '\ud800', decode: () => 1 as never }, 'what a codec makes half of a surrogate pair', 1, /surrogate/],
  [{ encode() { throw new Error('no') }, decode: () => 1 as never }, 'what a codec throws on', 1, /could not encode/],
]

test('what can’t be stored is refused with the reason, and nothing is written', async (t) => {
  for (const [valueEncoding, name, value, message] of refused) {
    await t.test(`${typeof valueEncoding === 'string' ? valueEncoding : 'codec'}: ${name}`, () =>
      withStore<unknown>({ valueEncoding: valueEncoding as ValueEncoding }, async (store) => {
        await assert.rejects(store.put('k', value), varveError('INVALID_ARGUMENT', message))
        await assert.rejects(
          store.batch([{ type: 'del', key: 'a' }, { type: 'put', key: 'k', value }]),
          varveError('INVALID_ARGUMENT', /^Operation 1 /),
        )
        assert.deepEqual(await store.keys().toArray(), [])
      }))
  }
})

test('a value of more than 64 MiB is refused', () =>
  withStore<Uint8Array>({ valueEncoding: 'view' }, async (store) => {
    const bytes = new Uint8Array((64 << 20) + 1)
    await assert.rejects(store.put('k', bytes), varveError('INVALID_ARGUMENT', /67108864 bytes/))
  }))

test('a value of 64 MiB comes back whole, as bytes and as text', async () => {
  const bytes = new Uint8Array(64 << 20).map((_, i) => (i * 31) % 251)
  await withStore<Uint8Array>({ valueEncoding: 'view' }, async (store) => {
    await store.put('k', bytes)
    assert.ok(Buffer.from((await store.get('k'))!).equals(bytes))
    await store.compact()
    const [value] = await store.values().toArray()
    assert.ok(Buffer.from(value!).equals(bytes))
  })
  const text = 'é'.repeat(32 << 20)
  await withStore<string>({ valueEncoding: 'utf8' }, async (store) => {
    await store.put('k', text)
    assert.ok((await store.get('k')) === text)
    await assert.rejects(store.put('k', `${text}x`), varveError('INVALID_ARGUMENT', /67108864 bytes/))
  })
  // The byte that says what kind of value it is counts as well.
  await withStore({}, async (store) => {
    await store.put('k', bytes.subarray(1))
    await assert.rejects(store.put('l', bytes), varveError('INVALID_ARGUMENT', /67108863 bytes/))
    assert.deepEqual(await store.keys().toArray(), ['k'])
  })
})

/** A response that brings these bytes. */
function response(...bytes: number[]): ResponseReader {
  const frame = new Uint8Array(24 + bytes.length)
  frame[0] = 1
  frame[20] = bytes.length
  frame.set(bytes, 24)
  const reader = new ResponseReader(frame)
  reader.next()
  return reader
}

test('bytes that an encoding did not write are reported, not made up', () => {
  const foreign: [ValueEncoding, number[], RegExp][] = [
    ['any', [], /not written with valueEncoding 'any'/],
    ['any', [9, 1], /not written with valueEncoding 'any'/],
    ['any', [1, 0xff], /not UTF-8/],
    ['any', [2, 0x7b], /not written with valueEncoding 'json'/],
    ['utf8', [0xff], /not UTF-8/],
    ['json', [0x7b], /not written with valueEncoding 'json'/],
  ]
  for (const [encoding, bytes, message] of foreign) {
    assert.throws(() => encodingOf(encoding).decode(response(...bytes)), varveError('INVALID_ARGUMENT', message))
  }
})

test('an unknown encoding is refused', () => {
  for (const encoding of ['xml', 'toString', null, {}, { encode() {} }]) {
    assert.throws(() => encodingOf(encoding as 'any'), varveError('INVALID_ARGUMENT', /valueEncoding is/))
  }
})
