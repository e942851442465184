const STORE = 'pages'
const MISSING = 0xffffffff // the length that the engine finds where a page is not there

// The connections that the engine of any host in this realm has made known, by their number. An
// engine can look up nothing but globals; a symbol stays out of everybody's way.
const symbol = Symbol.for('varve.connections')
const realm = globalThis as unknown as Record<symbol, IDBDatabase[] | undefined>

/** How the engine's memory is reached. It is another buffer whenever it has grown. @internal */
export interface Memory {
  bytes(): Uint8Array
}

/**
 * Adds records to IndexedDB and reads pages from it, for the engine: by its own means each call
 * would cost about what a request costs. Both take a table in the engine's memory, with rows of
 * a key (float64), an address and a length (uint32 each).
 *
 * @internal
 */
export class Pages {
  readonly #memory: Memory
  readonly #done: (ticket: number, ok: number) => void
  readonly #reasons = new Map<number, unknown>()
  readonly #connections = (realm[symbol] ??= [])

  /** `done` is called, never from within a call of the engine, when a call has ended. */
  constructor(memory: Memory, done: (ticket: number, ok: number) => void) {
    this.#memory = memory
    this.#done = done
  }

  /** What the engine imports. */
  readonly imports = {
    idb_commit: (ticket: number, connection: number, strict: number, table: number, count: number): void => {
      this.#run(ticket, connection, 'readwrite', strict ? 'strict' : 'relaxed', (store) => {
        const memory = this.#memory.bytes()
        const view = new DataView(memory.buffer, table >>> 0)
        let last: IDBRequest
        for (let row = 0; row < 16 * count; row += 16) {
          const address = view.getUint32(row + 8, true)
          last = store.add(memory.slice(address, address + view.getUint32(row + 12, true)), view.getFloat64(row, true))
        }
        // Of several, Firefox would commit the others if one failed that is not the last.
        if (count > 1) last!.onsuccess = () => end(store.transaction, 'commit')
        else end(store.transaction, 'commit')
      })
    },

    idb_read: (ticket: number, connection: number, table: number, count: number): void => {
      this.#run(ticket, connection, 'readonly', 'relaxed', (store) => {
        const view = new DataView(this.#memory.bytes().buffer, table >>> 0)
        const requests: IDBRequest<unknown>[] = []
        for (let row = 0; row < 16 * count; row += 16) requests.push(store.get(view.getFloat64(row, true)))
        requests.at(-1)!.onsuccess = () => {
          store.transaction.onabort = null
          this.#deliver(requests, table >>> 0)
          this.#done(ticket, 1)
        }
      })
    },

    /** Copies the reason of a failure, and forgets it. */
    idb_reason: (ticket: number, buffer: number, size: number): number => {
      const reason = this.#reasons.get(ticket) as { name?: string; message?: string } | null | undefined
      this.#reasons.delete(ticket)
      const text = `${reason?.name ?? ''}\n${reason?.message ?? 'aborted'}`
      const start = buffer >>> 0
      return new TextEncoder().encodeInto(text, this.#memory.bytes().subarray(start, start + size)).written
    },
  }

  #run(
    ticket: number,
    connection: number,
    mode: IDBTransactionMode,
    durability: IDBTransactionDurability,
    issue: (store: IDBObjectStore) => void,
  ): void {
    const fail = (reason: unknown): void => {
      this.#reasons.set(ticket, reason)
      this.#done(ticket, 0)
    }
    let transaction: IDBTransaction | undefined
    try {
      transaction = this.#connections[connection]!.transaction(STORE, mode, { durability })
      if (mode === 'readwrite') transaction.oncomplete = () => this.#done(ticket, 1)
      // Firefox and WebKit don't give a transaction the error that it was aborted for, if it came
      // after commit().
      transaction.onabort = () => fail(transaction!.error)
      transaction.onerror = ({ target }) => {
        const { error } = target as IDBRequest
        if (error?.name === 'ConstraintError') transaction!.onabort = () => fail(error)
      }
      issue(transaction.objectStore(STORE))
    } catch (thrown) {
      if (transaction) {
        transaction.onabort = null
        end(transaction, 'abort')
      }
      // The engine waits for the outcome only when this call has returned.
      queueMicrotask(() => fail(thrown))
    }
  }

  #deliver(requests: IDBRequest<unknown>[], table: number): void {
    const memory = this.#memory.bytes()
    const view = new DataView(memory.buffer, table)
    let row = 0
    for (const { result } of requests) {
      if (result instanceof Uint8Array && result.length === view.getUint32(row + 12, true)) {
        memory.set(result, view.getUint32(row + 8, true))
      } else {
        view.setUint32(row + 12, MISSING, true)
      }
      row += 16
    }
  }
}

function end(transaction: IDBTransaction, how: 'abort' | 'commit'): void {
  try {
    transaction[how]()
  } catch {
    // It ends by itself.
  }
}
