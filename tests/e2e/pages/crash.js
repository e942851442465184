// Runs in the page: a load of numbered batches that is killed, and the look at what is left.
//
// Batch n puts ENTRIES keys b/<n>/<i>, their values made from n and i, and the number n at "last".

const ENTRIES = 40

const key = (n, i) => `b/${String(n).padStart(8, '0')}/${String(i).padStart(2, '0')}`
const value = (n, i) => `${n}.${i}:${'varve '.repeat(1 + (n * 7 + i * 13) % 120)}`

/** Writes batches from number `first` on, for ever; reports each when it is acknowledged. */
export async function writeOn(store, first) {
  const underWay = []
  for (let n = first; ; n++) {
    const puts = Array.from({ length: ENTRIES }, (_, i) => ({ type: 'put', key: key(n, i), value: value(n, i) }))
    const acknowledged = store.batch([...puts, { type: 'put', key: 'last', value: n }])
    underWay.push(acknowledged.then(() => void fetch('/report', { method: 'POST', body: String(n) })))
    // A few are always under way, so that the end comes in their midst.
    if (underWay.length === 8) await underWay.shift()
  }
}

/** The number of the last batch, after checking that the store holds all up to it, whole, and no more. */
export async function lastWhole(store) {
  const last = (await store.get('last')) ?? 0
  let n = 1
  let i = 0
  for await (const [k, v] of store.scan({ prefix: 'b/' })) {
    if (k !== key(n, i) || v !== value(n, i)) throw new Error(`found ${k} where ${key(n, i)} should be`)
    if (++i === ENTRIES) [n, i] = [n + 1, 0]
  }
  if (i !== 0) throw new Error(`batch ${n} has ${i} entries of ${ENTRIES}`)
  if (n !== last + 1) throw new Error(`${n - 1} batches, but the last says it is ${last}`)
  await store.verify()
  return last
}
