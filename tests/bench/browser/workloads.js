// The workloads, one for all libraries. Each gives numbers by the names of their rows in the
// report, and fails if a store does not give back what was put: that is looked at when the clock
// has stopped. What a library can't do leaves its row empty.

import { drawn, shuffled, zipfian } from './data.js'

/**
 * An open store, as an adapter's `open(name)` gives it.
 *
 * @typedef {object} Subject
 * @property {('relaxed' | 'strict')[]} durabilities that put knows
 * @property {(key: string, value: string, durability?: string) => Promise<void>} put
 * @property {(entries: [string, string][]) => Promise<void>} write as one transaction
 * @property {(key: string) => Promise<string | undefined>} get
 * @property {(keys: string[]) => Promise<(string | undefined)[]>} getMany
 * @property {() => Promise<[string, string][]>} scanAll
 * @property {(range: { from?: string, limit: number, reverse?: boolean }) => Promise<[string, string][]>} [scan]
 * @property {() => Promise<void>} [compact]
 * @property {() => Promise<void>} close
 */

const BATCH = 1000
const AWAITED = 5000
const PUTS = 1000
const AT_ONCE = 10_000
const SCANS = 3
const RANGE = 100
const REVERSE = 1000
const IN_FLIGHT = 16
const AFTER_RESTART = 2000

const SEED = { order: 2, reads: 3, puts: 4, atOnce: 5, ranges: 6, ycsb: 7, restart: 8, compaction: 9 }

/** What is asked of a store that is loaded once and then only read. */
export const reads = {
  async loadSorted({ subject, data }) {
    return { loadSorted: await load(subject, data.entries) }
  },

  async scan({ subject, data }) {
    const rates = []
    for (let i = 0; i < SCANS; i++) {
      const [entries, seconds] = await timed(() => subject.scanAll())
      same(entries, data.entries, 'scan')
      rates.push(entries.length / seconds)
    }
    return { scan: percentile(rates, 0.5) }
  },

  async ranges({ subject, data }) {
    if (!subject.scan) return {}
    const length = Math.min(RANGE, data.count)
    const starts = drawn(few(AWAITED / 10, data), data.count - length + 1, SEED.ranges)
    const [found, seconds] = await timed(async () => {
      const all = []
      for (const i of starts) all.push(await subject.scan({ from: data.keys[i], limit: length }))
      return all
    })
    same(found, starts.map((i) => entriesFrom(data, i, i + length)), 'ranges')
    return { ranges: starts.length * length / seconds }
  },

  async reverse({ subject, data }) {
    if (!subject.scan) return {}
    const length = Math.min(REVERSE, data.count)
    const times = 20
    const [found, seconds] = await timed(async () => {
      let last
      for (let i = 0; i < times; i++) last = await subject.scan({ limit: length, reverse: true })
      return last
    })
    same(found, entriesFrom(data, data.count - length, data.count).reverse(), 'reverse')
    return { reverse: times * length / seconds }
  },

  async getWarm({ subject, data }) {
    const wanted = drawn(few(AWAITED, data), data.count, SEED.reads)
    const keys = wanted.map((i) => data.keys[i])
    await getEach(subject, keys)
    const [values, seconds] = await timed(() => getEach(subject, keys))
    same(values, wanted.map((i) => data.values[i]), 'getWarm')
    return { getWarm: keys.length / seconds }
  },

  async getMissing({ subject, data }) {
    const keys = drawn(few(AWAITED, data), data.count, SEED.reads).map((i) => data.missing(i))
    const [values, seconds] = await timed(() => getEach(subject, keys))
    same(values, keys.map(() => undefined), 'getMissing')
    return { getMissing: keys.length / seconds }
  },

  async getAtOnce({ subject, data }) {
    const wanted = drawn(few(AT_ONCE, data), data.count, SEED.atOnce)
    const keys = wanted.map((i) => data.keys[i])
    const [values, seconds] = await timed(() => Promise.all(keys.map((key) => subject.get(key))))
    same(values, wanted.map((i) => data.values[i]), 'getAtOnce')
    return { getAtOnce: keys.length / seconds }
  },

  async getMany({ subject, data }) {
    const wanted = drawn(few(AT_ONCE, data), data.count, SEED.atOnce)
    const keys = wanted.map((i) => data.keys[i])
    const [values, seconds] = await timed(async () => {
      const all = []
      for (let i = 0; i < keys.length; i += BATCH) all.push(...(await subject.getMany(keys.slice(i, i + BATCH))))
      return all
    })
    same(values, wanted.map((i) => data.values[i]), 'getMany')
    return { getMany: keys.length / seconds }
  },
}

/** What is asked of a store that is written to. */
export const writes = {
  async loadRandom({ subject, data }) {
    const { entries } = data
    const seconds = await load(subject, shuffled(data.count, SEED.order).map((i) => entries[i]))
    return { loadRandom: seconds }
  },

  putRelaxed: (bench) => puts(bench, 'relaxed', 'putRelaxed'),

  putStrict: (bench) => puts(bench, 'strict', 'putStrict'),

  async putAtOnce({ subject, data }) {
    const written = drawn(few(AT_ONCE, data), data.count, SEED.atOnce)
    const entries = written.map((i) => [data.keys[i], data.renew(i)])
    const [, seconds] = await timed(() => Promise.all(entries.map(([key, value]) => subject.put(key, value))))
    return { putAtOnce: entries.length / seconds }
  },

  async ycsb({ subject, data }) {
    const next = zipfian(data.count, SEED.ycsb)
    const plan = drawn(few(AT_ONCE, data), 2, SEED.ycsb).map((update) => {
      const i = next()
      return { key: data.keys[i], value: update ? data.renew(i) : undefined }
    })
    let at = 0
    const client = async () => {
      while (at < plan.length) {
        const { key, value } = plan[at++]
        if (value !== undefined) await subject.put(key, value)
        else if ((await subject.get(key)) === undefined) throw new Error(`ycsb: ${key} is not there`)
      }
    }
    const [, seconds] = await timed(() => Promise.all(Array.from({ length: IN_FLIGHT }, client)))
    return { ycsb: plan.length / seconds }
  },

  async compaction({ subject, data }) {
    if (!subject.compact) return {}
    const wanted = drawn(few(AWAITED, data), data.count, SEED.compaction)
    await getEach(subject, wanted.map((i) => data.keys[i]))
    const latencies = async (running) => {
      const times = []
      for (let i = 0; running(i); i++) {
        const key = data.keys[wanted[i % wanted.length]]
        const began = performance.now()
        await subject.getMany([key]) // a page may answer get from its own memory
        times.push(performance.now() - began)
        // An inline engine that answers from memory would never let the browser go on.
        await turn()
      }
      return times
    }
    const idle = await latencies((i) => i < wanted.length)
    let compacting = true
    const done = subject.compact().finally(() => (compacting = false))
    const busy = await latencies(() => compacting)
    await done
    return { p99Idle: percentile(idle, 0.99), p99Compacting: percentile(busy, 0.99) }
  },

  /** Measures nothing: all that was written has to be there. */
  async contents({ subject, data }) {
    same(await subject.scanAll(), data.entries, 'contents')
    return {}
  },
}

/** What is asked of the store of `reads` when the browser has been started again. */
export const afterRestart = {
  async getCold({ subject, data }) {
    const wanted = drawn(few(AFTER_RESTART, data), data.count, SEED.restart)
    const keys = wanted.map((i) => data.keys[i])
    const [values, seconds] = await timed(() => getEach(subject, keys))
    same(values, wanted.map((i) => data.values[i]), 'getCold')
    return { getCold: keys.length / seconds }
  },
}

/** What is asked when the store has been left alone for a while. */
export const settled = {
  async disk({ data }) {
    const { usageDetails } = await navigator.storage.estimate()
    const files = await sizeOf(await navigator.storage.getDirectory())
    return { disk: ((usageDetails.indexedDB ?? 0) + files) / data.count }
  },
}

/** Bytes in a directory of OPFS, of which the browser's own estimate is far off. */
async function sizeOf(directory) {
  let bytes = 0
  for await (const handle of directory.values()) {
    bytes += handle.kind === 'file' ? (await handle.getFile()).size : await sizeOf(handle)
  }
  return bytes
}

/** A small store, which only tests the page, is asked for less. */
function few(calls, data) {
  return Math.min(calls, data.count)
}

async function load(subject, entries) {
  const [, seconds] = await timed(async () => {
    for (let i = 0; i < entries.length; i += BATCH) await subject.write(entries.slice(i, i + BATCH))
  })
  return entries.length / seconds
}

async function puts({ subject, data }, durability, row) {
  if (!subject.durabilities.includes(durability)) return {}
  const times = []
  for (const i of drawn(few(PUTS, data), data.count, SEED.puts)) {
    const value = data.renew(i)
    const began = performance.now()
    await subject.put(data.keys[i], value, durability)
    times.push(performance.now() - began)
  }
  return { [row]: percentile(times, 0.5) }
}

async function getEach(subject, keys) {
  const values = []
  for (const key of keys) values.push(await subject.get(key))
  return values
}

function entriesFrom(data, first, end) {
  return data.keys.slice(first, end).map((key, i) => [key, data.values[first + i]])
}

/** Lets the browser serve its events. */
function turn() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = resolve
    port2.postMessage(null)
  })
}

async function timed(work) {
  const began = performance.now()
  const result = await work()
  return [result, (performance.now() - began) / 1000]
}

function percentile(numbers, fraction) {
  return numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) * fraction)]
}

/** Fails at the first place where what was read differs from what was put. */
function same(got, want, workload) {
  if (got.length !== want.length) throw new Error(`${workload} gave ${got.length} results, ${want.length} expected`)
  for (let i = 0; i < want.length; i++) {
    if (Array.isArray(want[i])) same(got[i], want[i], `${workload}, result ${i},`)
    else if (got[i] !== want[i]) throw new Error(`${workload}, result ${i}, is ${got[i]}, ${want[i]} expected`)
  }
}
