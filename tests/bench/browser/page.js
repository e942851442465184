// The page of one library: the driver opens a store in it and runs workloads on it.

import { open } from 'peer'
import { Data } from './data.js'
import * as phases from './workloads.js'

let data
let subject

globalThis.bench = {
  async open(name, count) {
    data = new Data(count)
    const began = performance.now()
    subject = await open(name)
    return { opened: performance.now() - began }
  },
  run: (phase, workload) => phases[phase][workload]({ subject, data }),
  workloads: (phase) => Object.keys(phases[phase]),
  close: () => subject.close(),
}
