// Runs in the page: calls that must be refused, with the code of the error that each must give.

const cycle = {}
cycle.self = cycle

/** Calls on an open store that is empty, and stays so. */
export const ON_A_STORE = [
  ['put with an empty key', 'INVALID_ARGUMENT', (s) => s.put('', 'v')],
  ['put with a key of 64 KiB and a byte', 'INVALID_ARGUMENT', (s) => s.put('k'.repeat(65537), 'v')],
  ['put with a number as key', 'INVALID_ARGUMENT', (s) => s.put(7, 'v')],
  ['put with half a surrogate pair as key', 'INVALID_ARGUMENT', (s) => s.put('a\ud800', 'v')],
  ['put of undefined', 'INVALID_ARGUMENT', (s) => s.put('k', undefined)],
  ['put of a function', 'INVALID_ARGUMENT', (s) => s.put('k', () => 1)],
  ['put of a symbol', 'INVALID_ARGUMENT', (s) => s.put('k', Symbol('s'))],
  ['put of a bigint', 'INVALID_ARGUMENT', (s) => s.put('k', 1n)],
  ['put of a cycle', 'INVALID_ARGUMENT', (s) => s.put('k', cycle)],
  ['put of a Map', 'INVALID_ARGUMENT', (s) => s.put('k', new Map([[1, 2]]))],
  ['put of half a surrogate pair', 'INVALID_ARGUMENT', (s) => s.put('k', '\udc00')],
  ['put with an unknown durability', 'INVALID_ARGUMENT', (s) => s.put('k', 'v', { durability: 'eternal' })],
  ['get of an empty key', 'INVALID_ARGUMENT', (s) => s.get('')],
  ['getMany with a bad key among good ones', 'INVALID_ARGUMENT', (s) => s.getMany(['a', null, 'b'])],
  ['batch whose last operation is unknown', 'INVALID_ARGUMENT',
    (s) => s.batch([{ type: 'put', key: 'a', value: 1 }, { type: 'upsert', key: 'b', value: 2 }])],
  ['batch whose last value can’t be stored', 'INVALID_ARGUMENT',
    (s) => s.batch([{ type: 'put', key: 'a', value: 1 }, { type: 'put', key: 'b', value: undefined }])],
  ['batch that lacks one', 'INVALID_ARGUMENT', (s) => s.batch([{ type: 'put', key: 'a', value: 1 }, , { type: 'del', key: 'b' }])],
  ['getMany that lacks one', 'INVALID_ARGUMENT', (s) => s.getMany(['a', , 'b'])],
  ['put with a durability in place of options', 'INVALID_ARGUMENT', (s) => s.put('k', 'v', 'strict')],
  ['clear of a prefix alone', 'INVALID_ARGUMENT', (s) => s.clear('shift/')],
  ['clear of null', 'INVALID_ARGUMENT', (s) => s.clear(null)],
  ['scan of a prefix alone', 'INVALID_ARGUMENT', (s) => s.scan('shift/').toArray()],
  ['keys of null', 'INVALID_ARGUMENT', (s) => s.keys(null).toArray()],
  ['scan with a signal that is none', 'INVALID_ARGUMENT', (s) => s.scan({ signal: {} }).toArray()],
  ['scan with crossed bounds', 'INVALID_ARGUMENT', (s) => s.scan({ gte: 'b', lt: 'a' }).toArray()],
  ['scan with a negative limit', 'INVALID_ARGUMENT', (s) => s.scan({ limit: -2 }).toArray()],
  ['scan with half a limit', 'INVALID_ARGUMENT', (s) => s.scan({ limit: 0.5 }).toArray()],
  ['scan that was aborted before', 'ABORTED', (s) => s.scan({ signal: AbortSignal.abort() }).toArray()],
]

/** Calls on a closed store. */
export const ON_A_CLOSED_STORE = [
  ['put', 'CLOSED', (s) => s.put('k', 'v')],
  ['get', 'CLOSED', (s) => s.get('k')],
  ['getMany', 'CLOSED', (s) => s.getMany(['k'])],
  ['has', 'CLOSED', (s) => s.has('k')],
  ['del', 'CLOSED', (s) => s.del('k')],
  ['batch', 'CLOSED', (s) => s.batch([{ type: 'del', key: 'k' }])],
  ['scan', 'CLOSED', (s) => s.scan().toArray()],
  ['clear', 'CLOSED', (s) => s.clear()],
  ['snapshot', 'CLOSED', async (s) => s.snapshot().get('k')],
  ['flush', 'CLOSED', (s) => s.flush()],
  ['compact', 'CLOSED', (s) => s.compact()],
  ['stats', 'CLOSED', (s) => s.stats()],
  ['verify', 'CLOSED', (s) => s.verify()],
]

/** Ways of opening and of destroying; the store "existing" exists, "held" is open. */
export const OPENINGS = [
  ['an empty name', 'INVALID_ARGUMENT', (varve) => varve.open('')],
  ['a name that is no string', 'INVALID_ARGUMENT', (varve) => varve.open(5)],
  ['a name that has no UTF-8 form', 'INVALID_ARGUMENT', (varve) => varve.open('\ud800')],
  ['options that are null', 'INVALID_ARGUMENT', (varve) => varve.open('new', null)],
  ['a signal that is none', 'INVALID_ARGUMENT', (varve) => varve.open('new', { signal: {} })],
  ['an encoding that JSON has no form for', 'INVALID_ARGUMENT', (varve) => varve.open('new', { valueEncoding: 10n })],
  ['a memory budget of nothing', 'INVALID_ARGUMENT', (varve) => varve.open('new', { memoryBudget: 0 })],
  ['an unknown durability', 'INVALID_ARGUMENT', (varve) => varve.open('new', { durability: 'eternal' })],
  ['an unknown host', 'INVALID_ARGUMENT', (varve) => varve.open('new', { host: 'cloud' })],
  ['an unknown encoding', 'INVALID_ARGUMENT', (varve) => varve.open('new', { valueEncoding: 'xml' })],
  ['a store that does not exist and must', 'NOT_FOUND', (varve) => varve.open('new', { createIfMissing: false })],
  ['a store that exists and must not', 'EXISTS', (varve) => varve.open('existing', { errorIfExists: true })],
  ['a store that is open already', 'LOCKED', (varve) => varve.open('held')],
  ['destroying a store that is open', 'LOCKED', (varve) => varve.destroy('held')],
  ['destroying nothing', 'no error', (varve) => varve.destroy('nothing')],
  ['opening that was aborted before', 'ABORTED', (varve) => varve.open('new', { signal: AbortSignal.abort() })],
]

/** Makes the calls; returns those that did not fail as they must. */
export async function failures(calls, subject) {
  const wrong = []
  for (const [what, code, call] of calls) {
    const outcome = await Promise.resolve().then(() => call(subject)).then(
      () => 'no error',
      (error) => error.name === 'VarveError' && error.message ? error.code : `${error.name}: ${error.message}`,
    )
    if (outcome !== code) wrong.push(`${what}: ${outcome}, not ${code}`)
  }
  return wrong
}
