// Runs in the page: the places of GeoNames in a store, compared record by record.

export const key = (place, i) => `${place.country}/${place.name}/${String(i).padStart(6, '0')}`

export async function source() {
  return (await fetch('/places.json')).json()
}

export async function load(store, places, size = 1000) {
  for (let i = 0; i < places.length; i += size) {
    await store.batch(places.slice(i, i + size).map((place, j) => ({ type: 'put', key: key(place, i + j), value: place })))
  }
}

/** What differs between store and source, at most ten of it. */
export async function differences(store, places) {
  const missing = new Map(places.map((place, i) => [key(place, i), place]))
  const found = []
  let previous = ''
  for await (const [k, value] of store.scan()) {
    const place = missing.get(k)
    if (!place) found.push(`unknown or twice: ${k}`)
    else if (!same(place, value)) found.push(`${k}: ${JSON.stringify(value)}, not ${JSON.stringify(place)}`)
    if (!(inByteOrder(previous, k))) found.push(`${k} after ${previous}`)
    missing.delete(k)
    previous = k
  }
  for (const k of missing.keys()) found.push(`missing: ${k}`)
  return found.slice(0, 10)
}

function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b)
}

const encoder = new TextEncoder()

function inByteOrder(a, b) {
  const [x, y] = [encoder.encode(a), encoder.encode(b)]
  const i = x.findIndex((byte, at) => byte !== y[at])
  return i < 0 ? x.length < y.length : i >= y.length ? false : x[i] < y[i]
}
