// varve in a worker that tells how much memory the engine has: browsers don't.

import { openVarve } from './varve.js'

export function open(name) {
  return openVarve(name, { workerUrl: '/bench/metered-worker.js' })
}
