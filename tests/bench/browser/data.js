// The records: keys of 16 bytes, values of 100 that compress to about half, the same in every
// page that is given the same number of them.

const VALUE_LENGTH = 100

/** A generator of numbers from 0 up to, not including, 1 (mulberry32). */
export function random(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export class Data {
  #next = random(1)
  #half = new Uint8Array(VALUE_LENGTH / 2)

  constructor(count) {
    this.keys = Array.from({ length: count }, (_, i) => keyOf(2 * i))
    /** What should be stored under each key. */
    this.values = this.keys.map(() => this.#value())
  }

  get count() {
    return this.keys.length
  }

  get entries() {
    return this.keys.map((key, i) => [key, this.values[i]])
  }

  /** A key that is between two others. */
  missing(i) {
    return keyOf(2 * i + 1)
  }

  /** Gives the record a new value. */
  renew(i) {
    return (this.values[i] = this.#value())
  }

  #value() {
    for (let i = 0; i < this.#half.length; i++) this.#half[i] = 32 + Math.floor(this.#next() * 95)
    const half = String.fromCharCode(...this.#half)
    return half + half
  }
}

function keyOf(number) {
  return String(number).padStart(16, '0')
}

/** The whole numbers below count in random order. */
export function shuffled(count, seed) {
  const next = random(seed)
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

/** So many random whole numbers below limit. */
export function drawn(count, limit, seed) {
  const next = random(seed)
  return Array.from({ length: count }, () => Math.floor(next() * limit))
}

/** A generator of YCSB's zipfian numbers below count, the frequent ones spread over all. */
export function zipfian(count, seed) {
  const theta = 0.99
  let zeta = 0
  for (let i = 1; i <= count; i++) zeta += 1 / i ** theta
  const eta = (1 - (2 / count) ** (1 - theta)) / (1 - (1 + 0.5 ** theta) / zeta)
  const next = random(seed)
  const place = shuffled(count, seed)
  return () => {
    const u = next()
    const uz = u * zeta
    if (uz < 1) return place[0]
    if (uz < 1 + 0.5 ** theta) return place[1]
    return place[Math.min(count - 1, Math.floor(count * (eta * u - eta + 1) ** (1 / (1 - theta))))]
  }
}
