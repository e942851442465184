// What varve costs as its store grows.

import { launch, openPage } from '../../e2e/harness/browser.mjs'
import { markdown } from './report.mjs'
import { serve } from './server.mjs'

const PEER = 'varve-metered'
const STORE = 'growth'

/** What may become of each number from one size to the next. */
const ROWS = [
  { id: 'getWarm', title: 'awaited gets, warm, /s', lower: false, most: 1.5, digits: 0 },
  { id: 'putRelaxed', title: 'awaited put, p50, relaxed, ms', lower: true, most: 1.5, digits: 3 },
  { id: 'open', title: 'open, ms', lower: true, most: 2, digits: 1 },
  { id: 'memory', title: 'memory of the engine, MiB', lower: true, digits: 1 },
]

/** @returns {Promise<{ size: number, numbers: Record<string, number> }[]>} */
export async function grow(t, sizes, log) {
  const url = await serve(t, [PEER])
  const { context } = await launch(t)
  const results = []
  for (const size of sizes) {
    const page = await openPage(t, context, url(PEER, `growth-${size}`, 'page.html'))
    const run = (phase, workload) => page.evaluate(([phase, workload]) => bench.run(phase, workload), [phase, workload])
    const open = async () => {
      await page.evaluate(() => import('/bench/page.js'))
      return page.evaluate(async ([name, count]) => (await bench.open(name, count)).opened, [STORE, size])
    }
    await open()
    await run('writes', 'loadRandom')
    await page.evaluate(() => bench.close())
    await page.reload()
    const numbers = { open: await open() }
    Object.assign(numbers, await run('reads', 'getWarm'), await run('writes', 'putRelaxed'))
    numbers.memory = await page.evaluate(engineMemory)
    await page.evaluate(() => bench.close())
    await page.close()
    log(`${size} records: ${JSON.stringify(numbers)}`)
    results.push({ size, numbers })
  }
  return results
}

/** MiB of the engine's memory, which never shrinks. Runs in the page. */
function engineMemory() {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel('engine-memory')
    channel.onmessage = ({ data }) => resolve(data / 2 ** 20)
    channel.postMessage('size')
  })
}

export function growthTable(results) {
  const [small, large] = results.map(({ numbers }) => numbers)
  const lines = ROWS.map(({ id, title, lower, most, digits }) => {
    const cost = lower ? large[id] / small[id] : small[id] / large[id]
    const verdict = most === undefined ? ['', ''] : [`≤ ${most}`, cost <= most ? 'yes' : '**no**']
    return [title, small[id].toFixed(digits), large[id].toFixed(digits), cost.toFixed(2), ...verdict]
  })
  return markdown(['records', ...results.map(({ size }) => size.toLocaleString('en')), 'costs', 'target', 'met'], lines)
}
