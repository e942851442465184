// Measures vfs/idbfs beside hand-written IndexedDB code, by turns in one worker: read the ratios,
// not the times. The second table is what the size of a page was chosen by.

import { test } from 'node:test'
import { hostPage } from '../browser/host.mjs'

const RUNS = 3

/** Each benchmark of vfs/idbfs that measures hand-written code, too; how often in a run, and what. */
const BENCHMARKS = [
  ['LogSync/Relaxed', 40, 'commit a log record, relaxed'],
  ['LogSync/Strict', 40, 'commit a log record, strict'],
  ['ReadRandomPage', 40, 'read a page'],
  ['WriteTable', 4, 'write a page, 16 MiB of tables'],
  ['ReadSequential', 8, 'read a page, 64 MiB in order'],
]

test('idbfs beside hand-written code', async (t) => {
  const { page, run } = await hostPage(t, new URL('indexeddb-raw.js', import.meta.url))
  console.log(`\nmilliseconds                   hand-written    idbfs   ratio (medians, of ${RUNS} runs)`)
  for (const [benchmark, rounds, title] of BENCHMARKS) {
    const runs = []
    for (let i = 0; i < RUNS; i++) {
      runs.push(metrics(await run(['-test.run=^$', `-test.bench=^Benchmark${benchmark.replace('/', '$/^')}$`, `-test.benchtime=${rounds}x`])))
    }
    const of = (unit, digits) => median(runs.map((run) => run[unit])).toFixed(digits)
    console.log(title.padEnd(31), of('hand-ms', 3).padStart(11), of('idbfs-ms', 3).padStart(8), of('ratio', 2).padStart(7))
  }
  const sizes = await page.evaluate(async () => {
    await import('/beside.js')
    return handWritten.recordSizes()
  })
  console.log('\nrecord size, KiB   write MB/s   read MB/s   one get, ms')
  for (const { size, write, read, get } of sizes) {
    console.log(String(size >> 10).padStart(16), write.toFixed(0).padStart(12), read.toFixed(0).padStart(11), get.toFixed(3).padStart(13))
  }
})

/** What a benchmark has reported, by unit. */
function metrics(printed) {
  const line = /^Benchmark\S+\s+\d+\s+(.*)$/m.exec(printed)
  if (!line) throw new Error(`no result in:\n${printed}`)
  return Object.fromEntries([...line[1].matchAll(/([\d.]+) (\S+)/g)].map(([, value, unit]) => [unit, Number(value)]))
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
