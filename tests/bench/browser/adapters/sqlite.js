// SQLite-wasm on OPFS, in its worker: one message for each call.

export async function open(name) {
  const worker = new Worker('/bench/sqlite-worker.js', { type: 'module' })
  const pending = []
  worker.onmessage = ({ data: { result, error } }) => {
    const { resolve, reject } = pending.shift()
    if (error === undefined) resolve(result)
    else reject(new Error(error))
  }
  const call = (method, ...parameters) => new Promise((resolve, reject) => {
    pending.push({ resolve, reject })
    worker.postMessage([method, parameters])
  })
  worker.onerror = ({ message }) => pending.splice(0).forEach(({ reject }) => reject(new Error(message)))

  await call('open', name)
  return {
    durabilities: ['relaxed', 'strict'],
    put: (key, value, durability) => call('put', key, value, durability),
    write: (entries) => call('write', entries),
    get: (key) => call('get', key),
    getMany: (keys) => call('getMany', keys),
    scanAll: () => call('scan', {}),
    scan: (range) => call('scan', range),
    close: async () => {
      await call('close')
      worker.terminate()
    },
  }
}
