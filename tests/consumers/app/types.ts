// What a user's compiler makes of the package's types. It is checked and never run.

import { open, type Codec, type Key, type OpenOptions, type Scan, type Snapshot, type Store } from 'varve'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function expect<_T extends true>(): void {}

interface Shift {
  gate: number
}
declare const dates: Codec<Date>

const plain = await open('a')
expect<Same<typeof plain, Store<string, unknown>>>()

const text = await open('a', { valueEncoding: 'utf8' })
const found = await text.get('key')
expect<Same<typeof found, string | undefined>>()
// @ts-expect-error: a number is no string
await text.put('key', 1)

const bytes = await open('a', { valueEncoding: 'view', keyEncoding: 'view' })
expect<Same<typeof bytes, Store<Uint8Array, Uint8Array>>>()

const decoded = await open('a', { valueEncoding: dates })
const scan = decoded.values({ prefix: 'shift/' })
expect<Same<typeof scan, Scan<Date>>>()

const shifts = await open<Shift>('a', { valueEncoding: 'json', keyEncoding: 'view' })
const then = shifts.snapshot()
expect<Same<typeof then, Snapshot<Uint8Array, Shift>>>()
const many = await then.getMany(['a', 'b'])
expect<Same<typeof many, (Shift | undefined)[]>>()
for await (const [key, value] of shifts.scan({ reverse: true, limit: 5 })) {
  expect<Same<typeof key, Uint8Array>>()
  expect<Same<typeof value, Shift>>()
}

await using closing = await open('a')
await closing.batch([{ type: 'put', key: 'a', value: 1 }, { type: 'del', key: Uint8Array.of(1) }])

// @ts-expect-error: utf8 gives strings
await open<Shift>('a', { valueEncoding: 'utf8' })
// @ts-expect-error: view gives bytes
await open<Shift>('a', { valueEncoding: 'view', keyEncoding: 'view' })
// @ts-expect-error: a Store of shifts does not come of text
const wrong: OpenOptions<Shift> = { valueEncoding: 'utf8' }
const strings = await open<string>('a', { valueEncoding: 'utf8' })
expect<Same<typeof strings, Store<string, string>>>()
const views = await open<Uint8Array>('a', { valueEncoding: 'view' })
expect<Same<typeof views, Store<string, Uint8Array>>>()

// Options that say nothing definite of keys give keys of either kind.
const given: OpenOptions<Shift> = { keyEncoding: 'view' }
const either = await open('a', given)
expect<Same<typeof either, Store<Key, Shift>>>()

// Under exactOptionalPropertyTypes as well, what may be missing may be undefined.
declare const perhaps: { signal: AbortSignal | undefined; budget: number | undefined }
const lenient = await open('a', { memoryBudget: perhaps.budget, signal: perhaps.signal, keyEncoding: undefined, dir: undefined })
expect<Same<typeof lenient, Store<string, unknown>>>()
lenient.scan({ signal: perhaps.signal, limit: undefined, reverse: undefined, prefix: undefined, gte: undefined })
await lenient.put('a', 1, { durability: undefined })

// A backup may go wherever a file of the browser's does.
plain.export().pipeThrough(new CompressionStream('gzip'))
const backup = await new Response(plain.export()).blob()
await open('b', { from: plain.export() })
await open('b', { from: backup })
const pieces: ReadableStream<Uint8Array> = plain.export()
void pieces
