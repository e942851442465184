// Runs in the page: fills a store until there is no space, and empties it again.

const value = (n) => crypto.getRandomValues(new Uint8Array(2000)).fill(n % 256, 0, 8)
const key = (n) => `n/${String(n).padStart(8, '0')}`

/** Puts batches of 50 until one is refused. Returns the number of entries, and the refusal. */
export async function fill(store, first = 0, atMost = Infinity) {
  for (let n = first; n < first + atMost; n += 50) {
    try {
      await store.batch(Array.from({ length: 50 }, (_, i) => ({ type: 'put', key: key(n + i), value: value(n + i) })))
    } catch (error) {
      return { end: n, code: error.code, fields: error.fields }
    }
  }
  return { end: first + atMost }
}

/** Puts one entry after the other, until so many were refused. Returns the number of entries. */
export async function insist(store, first, refusals) {
  let n = first
  while (refusals > 0) {
    try {
      await store.put(key(n), value(n))
      n++
    } catch (error) {
      if (error.code !== 'NO_SPACE' || error.fields.available >= error.fields.wanted) throw error
      refusals--
    }
  }
  return n
}

/** Reads everything; fails unless it is what was put from `first` up to `end`. */
export async function readAll(store, first, end) {
  let n = first
  for await (const [k, v] of store.scan()) {
    if (k !== key(n) || v[0] !== n % 256 || v.length !== 2000) throw new Error(`found ${k} instead of ${key(n)}`)
    n++
  }
  if (n !== end) throw new Error(`the entries end at ${n}, not at ${end}`)
}

/** Deletes what was put from `first` up to `end`, a hundred at a time. Returns how far it came. */
export async function deleteAll(store, first, end) {
  for (let n = first; n < end; n += 100) {
    const count = Math.min(100, end - n)
    try {
      await store.batch(Array.from({ length: count }, (_, i) => ({ type: 'del', key: key(n + i) })))
    } catch (error) {
      if (error.code !== 'NO_SPACE') throw error
      return n
    }
  }
  return end
}

/** Compacts the store. Returns the code of the refusal, if it is one. */
export async function compact(store) {
  try {
    await store.compact()
    return null
  } catch (error) {
    if (error.code !== 'NO_SPACE') throw error
    return error.code
  }
}
