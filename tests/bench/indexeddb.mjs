// Measures vfs/idbfs beside hand-written IndexedDB code, in workers of one page in one run: read
// the ratios, not the times. The last table is what the size of a page was chosen by.

import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { hostPage } from '../browser/host.mjs'

const ROUNDS = 2

/** Each measurement of the hand-written code, with the Go benchmark that does the same. */
const PAIRS = [
  ['commitRelaxed', 'LogSync/Relaxed', 'commit a log record, relaxed'],
  ['commitStrict', 'LogSync/Strict', 'commit a log record, strict'],
  ['readPage', 'ReadRandomPage', 'read a page'],
  ['write64MiB', 'WriteTable', 'write 64 MiB of tables'],
  ['read64MiB', 'ReadSequential', 'read 64 MiB in order'],
]

test('idbfs beside hand-written code', async (t) => {
  const { page, run } = await hostPage(t)
  const source = await readFile(new URL('indexeddb-raw.js', import.meta.url), 'utf8')
  const raw = (what) => page.evaluate(({ source, what }) => new Promise((resolve, reject) => {
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.postMessage(what)
  }), { source, what })

  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    const row = []
    for (const [name, benchmark] of PAIRS) {
      const hand = await raw(name)
      const printed = await run(['-test.run=^$', `-test.bench=^Benchmark${benchmark.replace('/', '$/^')}$`, '-test.benchtime=2s'])
      const go = benchmarks(printed)[benchmark]
      if (!go) throw new Error(`no result of ${benchmark} in:\n${printed}`)
      row.push({ hand, go })
    }
    rounds.push(row)
  }
  console.log('\nmilliseconds                   hand-written    idbfs   ratio (of the medians)')
  PAIRS.forEach(([, , title], i) => {
    const hand = median(rounds.map((round) => round[i].hand))
    const go = median(rounds.map((round) => round[i].go))
    console.log(title.padEnd(31), hand.toFixed(3).padStart(11), go.toFixed(3).padStart(8), (go / hand).toFixed(2).padStart(7))
  })

  console.log('\nrecord size, KiB   write MB/s   read MB/s   one get, ms')
  for (const { size, write, read, get } of await raw('sizes')) {
    console.log(String(size >> 10).padStart(16), write.toFixed(0).padStart(12), read.toFixed(0).padStart(11), get.toFixed(3).padStart(13))
  }
})

/** The milliseconds of an operation of each Go benchmark, by its name; of tables, of 64 MiB. */
function benchmarks(printed) {
  const found = {}
  for (const [, name, nanoseconds] of printed.matchAll(/^Benchmark(\S+)\s+\d+\s+([\d.]+) ns\/op/gm)) {
    found[name] = Number(nanoseconds) / 1e6
  }
  if (found.WriteTable) found.WriteTable *= 32 // it writes 2 MiB
  return found
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
