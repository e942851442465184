// Runs the workloads on each library in turn, in one browser, and starts that again on its
// profile for what is asked of a store that is not in memory.

import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, constants } from 'node:zlib'
import { launch, newProfile, openPage } from '../../e2e/harness/browser.mjs'
import { Data } from './data.js'
import { serve } from './server.mjs'

export const PEERS = ['varve', 'varve-inline', 'raw-indexeddb', 'idb-keyval', 'dexie', 'browser-level', 'sqlite']

const STORE = 'bench'
const STARTS = 5

/** Milliseconds for which the stores are left alone before it is told what they take on disk. */
const REST = 12_000

/** @typedef {{ peer: string, path: string, body: Uint8Array }} Fetched */

/**
 * @param {{ after(end: () => unknown): void }} t ends the server and the browsers
 * @param {{ peers?: string[], records: number, rounds: number, rest?: number, log?: (line: string) => void }} options
 * @returns {Promise<{ results: Record<string, Record<string, number[]>>, fetched: Fetched[] }>} by
 *   library and row, a number a round; and all that the pages fetched
 */
export async function measure(t, { peers = PEERS, records, rounds, rest = REST, log = () => undefined }) {
  const results = Object.fromEntries(peers.map((peer) => [peer, {}]))
  const keep = (peer, numbers) => {
    for (const [row, number] of Object.entries(numbers)) (results[peer][row] ??= []).push(number)
  }
  const fetched = new Map()
  const url = await serve(t, peers, (peer, path, body) => fetched.set(`${peer} ${path}`, { peer, path, body }))

  for (let round = 0; round < rounds; round++) {
    // Nobody is always the first.
    const order = peers.map((_, i) => peers[(i + round) % peers.length])
    const profile = await newProfile(t)
    const first = await launch(t, profile)
    const options = { url, records, keep, rest, log: (line) => log(`round ${round + 1}: ${line}`) }
    for (const phase of ['reads', 'writes']) await runPhases(t, first.context, order, phase, [phase], options)
    await first.close()

    const second = await launch(t, profile)
    await runPhases(t, second.context, order, 'reads', ['afterRestart', 'settled'], options)
    for (const peer of order) keep(peer, { start: await startOf(t, second.context, url(peer, 'reads', 'start.html'), records) })
    await second.kill()
  }
  return { results, fetched: [...fetched.values()] }
}

/** Adds to the results what each library's start page loads, in kilobytes. */
export function addWire(results, fetched) {
  const sizes = new Map()
  for (const { peer, path, body } of fetched) {
    if (path.endsWith('.html') || path === '/bench/page.js') continue
    const id = path.startsWith('/varve/') ? path : `${peer} ${path}`
    if (!sizes.has(id)) sizes.set(id, brotli(body).length / 1000)
    results[peer].wire = [(results[peer].wire?.[0] ?? 0) + sizes.get(id)]
  }
}

/** Runs each workload of the phases on each library, one after the other, with a rest between two phases. */
async function runPhases(t, context, order, store, phases, { url, records, keep, rest, log }) {
  const pages = new Map()
  for (const peer of order) {
    const page = await openPage(t, context, url(peer, store, 'page.html'))
    await page.evaluate(() => import('/bench/page.js'))
    await page.evaluate(([name, count]) => bench.open(name, count), [STORE, records])
    pages.set(peer, page)
  }
  for (const phase of phases) {
    if (phase !== phases[0]) await sleep(rest)
    for (const workload of await pages.get(order[0]).evaluate((phase) => bench.workloads(phase), phase)) {
      for (const [peer, page] of pages) {
        await page.bringToFront()
        const numbers = await page.evaluate(([phase, workload]) => bench.run(phase, workload), [phase, workload])
        keep(peer, numbers)
        log(`${peer} ${JSON.stringify(numbers)}`)
      }
    }
  }
  for (const page of pages.values()) {
    await page.evaluate(() => bench.close())
    await page.close()
  }
}

/** Milliseconds from the beginning of a page to its first record. */
async function startOf(t, context, url, records) {
  const data = new Data(records)
  const times = []
  for (let i = 0; i < STARTS; i++) {
    const record = Math.floor(records * (i + 0.5) / STARTS)
    const page = await openPage(t, context, `${url}?store=${STORE}&key=${data.keys[record]}`)
    const { ms, value } = await page.evaluate(async () => ({ ...(await import('/bench/start.js')).start }))
    if (value !== data.values[record]) throw new Error(`${url} got ${value} at its start`)
    times.push(ms)
    await page.close()
  }
  return times.sort((a, b) => a - b)[times.length >> 1]
}

function brotli(body) {
  return brotliCompressSync(body, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
  })
}
