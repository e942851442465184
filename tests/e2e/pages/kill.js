// Runs in the page: a load of numbered batches that is killed, and the look at what is left.
//
// Batch n puts n/<n>/<i> for each i below its size, overwrites hot/<n mod HOT>, and puts the
// number n at "last". All values are made from n and i. It asks for the durability of its turn.

const HOT = 64
const DURABILITIES = ['relaxed', 'strict', 'deferred', 'relaxed']

const key = (n, i) => `n/${String(n).padStart(8, '0')}/${String(i).padStart(2, '0')}`
const value = (n, i) => `${n}.${i}:${'varve '.repeat(1 + (n * 7 + i * 13) % 120)}`
const size = (n) => 1 + (n * 5) % 30

function batch(n) {
  const puts = Array.from({ length: size(n) }, (_, i) => ({ type: 'put', key: key(n, i), value: value(n, i) }))
  puts.push({ type: 'put', key: `hot/${n % HOT}`, value: value(n, 99) }, { type: 'put', key: 'last', value: n })
  return puts
}

/** Writes batches from number `first` on, for ever; reports those that are to survive when they are acknowledged. */
export async function writeOn(store, first) {
  const underWay = []
  for (let n = first; ; n++) {
    const durability = DURABILITIES[n % DURABILITIES.length]
    const acknowledged = store.batch(batch(n), { durability })
    underWay.push(durability === 'deferred' ? acknowledged : acknowledged.then(() => report(n)))
    // A few are always under way, so that the end comes in their midst.
    if (underWay.length === 6) await underWay.shift()
  }
}

function report(n) {
  void fetch('/report', { method: 'POST', body: String(n) })
}

/** The number of the last batch, after checking that the store holds all up to it, whole, and no more. */
export async function lastWhole(store) {
  const last = (await store.get('last')) ?? 0
  let n = 1
  let i = 0
  for await (const [k, v] of store.scan({ prefix: 'n/' })) {
    if (k !== key(n, i) || v !== value(n, i)) throw new Error(`found ${k} where ${key(n, i)} should be`)
    if (++i === size(n)) [n, i] = [n + 1, 0]
  }
  if (i !== 0) throw new Error(`batch ${n} has ${i} entries of ${size(n)}`)
  if (n !== last + 1) throw new Error(`${n - 1} batches, but the last says it is ${last}`)
  await checkHot(store, last)
  await store.verify()
  return last
}

async function checkHot(store, last) {
  for await (const [k, v] of store.scan({ prefix: 'hot/' })) {
    const place = Number(k.slice('hot/'.length))
    const n = last - (last - place + HOT) % HOT
    if (v !== value(n, 99)) throw new Error(`${k} is not what batch ${n} put there`)
  }
}
