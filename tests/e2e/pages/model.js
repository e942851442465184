// A sorted map that answers as a store must.

import { compare } from './program.js'

export class Model {
  #values

  constructor(values = new Map()) {
    this.#values = values
  }

  put(key, value) {
    this.#values.set(key, value)
  }

  del(key) {
    this.#values.delete(key)
  }

  get(key) {
    return this.#values.get(key)
  }

  has(key) {
    return this.#values.has(key)
  }

  /** A copy that later writes do not change. */
  snapshot() {
    return new Model(new Map(this.#values))
  }

  scan({ reverse = false, limit = Infinity, ...range } = {}) {
    const rows = [...this.#values].filter(([key]) => within(key, range)).sort(([a], [b]) => compare(a, b))
    if (reverse) rows.reverse()
    return rows.slice(0, limit)
  }

  clear(range) {
    for (const key of this.#values.keys()) {
      if (within(key, range)) this.#values.delete(key)
    }
  }
}

function within(key, { prefix, gt, gte, lt, lte }) {
  return (prefix === undefined || key.startsWith(prefix))
    && (gt === undefined || compare(key, gt) > 0)
    && (gte === undefined || compare(key, gte) >= 0)
    && (lt === undefined || compare(key, lt) < 0)
    && (lte === undefined || compare(key, lte) <= 0)
}
