// Runs in the page: stands between the engine and IndexedDB, and has one call go wrong.

const CALLS = [
  [IDBFactory, ['open']],
  [IDBDatabase, ['transaction']],
  [IDBTransaction, ['commit']],
  [IDBObjectStore, ['get', 'getAll', 'getAllKeys', 'count', 'openKeyCursor', 'add', 'put', 'delete']],
  [IDBCursor, ['continue']],
]

const original = {
  abort: IDBTransaction.prototype.abort,
  addEventListener: EventTarget.prototype.addEventListener,
}

const connections = new Set()
const running = new Set() // transactions
const doomed = new Map() // those that will fail, and the name of the reason

const LATE = 30 // milliseconds

let calls = 0
let at = -1
let fault
let hit

/**
 * The ways in which a call goes wrong: each gets the call as a function, what it is called on, and its
 * method. Those that are `hidden` end the connection, as browsers do by themselves: the engine makes
 * another, and nobody notices.
 */
export const FAULTS = {
  'throws InvalidStateError': { hidden: true, inject: () => raise('InvalidStateError') },
  'throws DataError': { hidden: false, inject: () => raise('DataError') },
  'aborts with UnknownError': { hidden: true, inject: (call, on, method) => doom(call, on, method, 'UnknownError') },
  'aborts for want of space': { hidden: false, inject: (call, on, method) => doom(call, on, method, 'QuotaExceededError') },
  'aborts when it has succeeded': { hidden: true, inject: abortOnSuccess },
  'comes as the connection closes': { hidden: true, inject: closeConnections },
  'is completed late': { hidden: true, inject: delay },
}

function raise(name) {
  throw new DOMException('injected', name)
}

function transactionOf(on, result) {
  if (result instanceof IDBTransaction) return result
  if (on instanceof IDBTransaction) return on
  if (on instanceof IDBCursor) return on.request.transaction
  return on.transaction ?? result?.transaction
}

/** Ends a transaction for that reason; one that is being committed can't be ended. */
function fail(transaction, name) {
  try {
    original.abort.call(transaction)
  } catch {
    return
  }
  Object.defineProperty(transaction, 'error', { value: new DOMException('injected', name) })
}

/** Lets the transaction fail when all its requests have been issued. */
function doom(call, on, method, name) {
  if (method === 'open') return failUpgrade(call)
  const transaction = transactionOf(on)
  if (method === 'commit') return fail(transaction, name)
  const result = call()
  const affected = transaction ?? transactionOf(on, result)
  doomed.set(affected, name)
  queueMicrotask(() => {
    if (doomed.delete(affected)) fail(affected, name)
  })
  return result
}

function failUpgrade(call) {
  const request = call()
  original.addEventListener.call(request, 'upgradeneeded', () => queueMicrotask(() => fail(request.transaction, 'AbortError')))
  return request
}

function abortOnSuccess(call, on, method) {
  const result = call()
  if (result instanceof IDBRequest && method !== 'open') {
    original.addEventListener.call(result, 'success', () => fail(transactionOf(on, result), 'UnknownError'))
  }
  return result
}

/** Does what a browser does that closes its database by itself. */
function closeConnections(call) {
  for (const transaction of running) fail(transaction, 'AbortError')
  for (const connection of connections) connection.close()
  const closed = [...connections]
  connections.clear()
  for (const connection of closed) connection.dispatchEvent(new Event('close'))
  return call()
}

/** Lets the page know of the end of the transaction only after a while. */
function delay(call, on) {
  const result = call()
  const transaction = transactionOf(on, result)
  if (transaction) {
    let handler = transaction.oncomplete
    transaction.oncomplete = null
    Object.defineProperty(transaction, 'oncomplete', { set: (next) => (handler = next) })
    original.addEventListener.call(transaction, 'complete', (event) => setTimeout(() => handler?.call(transaction, event), LATE))
  }
  return result
}

for (const [type, methods] of CALLS) {
  for (const method of methods) {
    const native = type.prototype[method]
    type.prototype[method] = function (...args) {
      const call = () => native.apply(this, args)
      if (method === 'commit' && doomed.has(this)) {
        const name = doomed.get(this)
        doomed.delete(this)
        return fail(this, name)
      }
      const armed = calls++ === at
      if (armed) hit = `${type.name}.${method}`
      const result = armed ? fault.inject(call, this, method) : call()
      observe(result)
      return result
    }
  }
}

function observe(result) {
  if (result instanceof IDBOpenDBRequest) {
    original.addEventListener.call(result, 'success', () => connections.add(result.result))
  } else if (result instanceof IDBTransaction) {
    running.add(result)
    for (const end of ['complete', 'abort']) original.addEventListener.call(result, end, () => running.delete(result))
  }
}

/** Lets the call of that number, from now on, go wrong. */
export function arm(name, index) {
  calls = 0
  at = index
  fault = FAULTS[name]
  hit = undefined
}

/** Ends the faults. Tells which call went wrong, if there were as many. */
export function disarm() {
  at = -1
  return hit
}
