// What a user's compiler makes of the package's types. It is checked and never run.

import { open, type Codec, type Scan, type Snapshot, type Store } from 'varve'

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
