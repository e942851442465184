// Measures varve beside other stores in Chromium, and prints tables in Markdown:
//
//	node main.mjs [--records 100000] [--rounds 3] [--peers varve,sqlite,…] [--growth]

import { parseArgs } from 'node:util'
import { addWire, measure } from './driver.mjs'
import { grow, growthTable } from './growth.mjs'
import { table } from './report.mjs'

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    peers: { type: 'string' },
    growth: { type: 'boolean', default: false },
  },
})

const ends = []
const t = { after: (end) => ends.push(end) }
const log = (line) => process.stderr.write(`${line}\n`)
try {
  if (options.growth) {
    const records = Number(options.records)
    console.log(growthTable(await grow(t, [records, 10 * records], log)))
  } else {
    const { results, fetched } = await measure(t, {
      peers: options.peers?.split(','),
      records: Number(options.records),
      rounds: Number(options.rounds),
      log,
    })
    addWire(results, fetched)
    console.log(table(results))
  }
} finally {
  for (const end of ends) await end()
}
