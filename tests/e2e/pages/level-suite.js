// abstract-level's own suite, on stores in IndexedDB.

import { VarveLevel } from '../../../js/dist/level.js'
import { runSuite } from '../../../js/test/level-suite.ts'

/** Runs the suite, and posts what it said to /report. */
export async function start() {
  const wasmModule = await WebAssembly.compileStreaming(fetch('/varve/varve.wasm'))
  const outcome = await runSuite((n, options) => new VarveLevel(`suite-${n}`, { wasmModule, ...options }))
  await fetch('/report', { method: 'POST', body: JSON.stringify(outcome) })
}
