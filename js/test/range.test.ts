import assert from 'node:assert/strict'
import test from 'node:test'
import { boundsOf, type KeyRange } from '../src/range.js'
import { checkKey, exceeds, isWellFormed, type Key } from '../src/keys.js'
import { varveError } from './support.js'

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

test('a range becomes a lower bound and an upper one that is not in it', () => {
  const cases: [range: KeyRange, lower: string, upper: string | undefined][] = [
    [{}, '', undefined],
    [{ gte: 'a' }, '61', undefined],
    [{ gt: 'a' }, '6100', undefined],
    [{ lt: 'b' }, '', '62'],
    [{ lte: 'b' }, '', '6200'],
    [{ gt: 'a', lte: 'b' }, '6100', '6200'],
    [{ gte: 'a', lte: 'a' }, '61', '6100'],
    [{ gte: 'a', lt: 'a' }, '61', '61'],
    [{ gt: 'a', lt: 'a' }, '61', '61'],
    [{ gte: '', lt: '' }, '', ''],
    [{ gte: Uint8Array.of(255), lt: Uint8Array.of(255, 1) }, 'ff', 'ff01'],
    [{ prefix: 'ab' }, '6162', '6163'],
    [{ prefix: Uint8Array.of(1, 255, 255) }, '01ffff', '02'],
    [{ prefix: Uint8Array.of(255, 255) }, 'ffff', undefined],
    [{ prefix: '' }, '', undefined],
    [{ gte: '\uffff', lt: '\u{10000}' }, 'efbfbf', 'f0908080'],
  ]
  for (const [range, lower, upper] of cases) {
    const bounds = boundsOf(range)
    assert.deepEqual([hex(bounds.lower), hex(bounds.upper)], [lower, upper], JSON.stringify(range))
  }
})

test('a range that is none is refused with what to do', () => {
  const cases: [range: KeyRange, message: RegExp][] = [
    [{ gte: 'b', lt: 'a' }, /swap them/],
    [{ gte: 'ab', lt: 'a' }, /swap them/],
    [{ gt: 'a', gte: 'a' }, /both gt and gte/],
    [{ lt: 'a', lte: 'a' }, /both lt and lte/],
    [{ prefix: 'a', lt: 'b' }, /prefix and a bound/],
    [{ gte: 1 as unknown as Key }, /lower bound is a number/],
    [{ gt: null as unknown as Key }, /lower bound is null/],
    [{ gte: null as unknown as Key }, /lower bound is null/],
    [{ lt: null as unknown as Key }, /upper bound is null/],
    [{ lte: null as unknown as Key }, /upper bound is null/],
    [{ prefix: null as unknown as Key }, /prefix is null/],
    [{ prefix: '\ud800' }, /prefix has half of a surrogate pair/],
  ]
  for (const [range, message] of cases) {
    assert.throws(() => boundsOf(range), varveError('INVALID_ARGUMENT', message))
  }
})

test('a key has 1 byte to 64 KiB', () => {
  for (const key of ['a', 'x'.repeat(65536), 'é'.repeat(32768), new Uint8Array(65536)]) checkKey(key)
  const cases: [key: unknown, message: RegExp][] = [
    ['', /empty/],
    [new Uint8Array(0), /empty/],
    ['x'.repeat(65537), /65536 bytes/],
    ['é'.repeat(32769), /65536 bytes/],
    [new Uint8Array(65537), /65536 bytes/],
    ['a\udc00', /surrogate/],
    [undefined, /undefined/],
    [null, /null/],
    [7, /a number/],
    [['a'], /an array/],
    [new Uint16Array(1), /Uint16Array/],
  ]
  for (const [key, message] of cases) {
    assert.throws(() => checkKey(key as Key), varveError('INVALID_ARGUMENT', message))
  }
})

test('exceeds counts the bytes of UTF-8', () => {
  const cases: [text: string, most: number, more: boolean][] = [
    ['abc', 3, false], ['abcd', 3, true], ['é', 2, false], ['é', 1, true], ['€€', 6, false], ['€€', 5, true], ['😀', 4, false], ['😀', 3, true],
  ]
  for (const [text, most, more] of cases) assert.equal(exceeds(text, most), more, `${text} in ${most}`)
})

test('half of a surrogate pair is found with and without the native method', () => {
  const plain = (text: string) => Object.assign(Object(text) as object, { isWellFormed: undefined }) as unknown as string
  for (const [text, whole] of [['a😀', true], ['\ud83d', false], ['a\ude00b', false], ['', true]] as const) {
    assert.equal(isWellFormed(text), whole)
    assert.equal(isWellFormed(plain(text)), whole)
  }
})

test('bounds are memory of their own', () => {
  const key = Uint8Array.of(5)
  const all = [boundsOf({ gte: key }), boundsOf({ gt: key }), boundsOf({ prefix: key }), boundsOf({ lt: key }), boundsOf({ lte: key })]
  const before = all.map(({ lower, upper }) => [hex(lower), hex(upper)])
  key[0] = 9
  assert.deepEqual(all.map(({ lower, upper }) => [hex(lower), hex(upper)]), before)
})
