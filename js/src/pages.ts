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

/** A transaction that reads, and the tickets that wait for it. */
interface Reading {
  connection: number
  store: IDBObjectStore
  waiting: Set<number>
  rounds: number
}

// What was read last tells what to read next, in the same transaction: to begin another takes a fifth
// of the time of a read. What is to be written waits for its end, so it has one.
const MOST_ROUNDS = 16

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
  #writing = 0
  #reading: Reading | undefined // while the engine is told of what was read

  /** `done` is called, never from within a call of the engine, when a call has ended. */
  constructor(memory: Memory, done: (ticket: number, ok: number) => void) {
    this.#memory = memory
    this.#done = done
  }

  /** What the engine imports. */
  readonly imports = {
    idb_commit: (ticket: number, connection: number, strict: number, table: number, count: number): void => {
      const requests: IDBRequest[] = []
      let transaction: IDBTransaction | undefined
      this.#writing++
      try {
        transaction = this.#begin(connection, 'readwrite', strict ? 'strict' : 'relaxed')
        transaction.oncomplete = () => {
          this.#writing--
          this.#done(ticket, 1)
        }
        // Firefox and WebKit don't give a transaction the error that it was aborted for, if it came
        // after commit(). That of a request that it took with it is an AbortError.
        transaction.onabort = () => {
          this.#writing--
          const refused = requests.find((request) => request.readyState === 'done' && (request.error?.name ?? 'AbortError') !== 'AbortError')
          this.#fail(ticket, (refused ?? transaction!).error)
        }
        const store = transaction.objectStore(STORE)
        const memory = this.#memory.bytes()
        const view = new DataView(memory.buffer, table >>> 0)
        for (let row = 0; row < 16 * count; row += 16) {
          const address = view.getUint32(row + 8, true)
          requests.push(store.add(memory.slice(address, address + view.getUint32(row + 12, true)), view.getFloat64(row, true)))
        }
        // Of several, Firefox would commit the others if one failed that is not the last.
        if (count > 1) requests.at(-1)!.onsuccess = () => end(transaction!, 'commit')
        else end(transaction, 'commit')
      } catch (thrown) {
        this.#writing--
        if (transaction) {
          transaction.oncomplete = transaction.onabort = null
          end(transaction, 'abort')
        }
        this.#refuse(ticket, thrown)
      }
    },

    /** Returns how many transactions it tried to begin. */
    idb_read: (ticket: number, connection: number, table: number, count: number): number => {
      const continued = this.#continued(connection)
      try {
        const reading = continued ?? this.#beginReading(connection)
        const { store, waiting } = reading
        const view = new DataView(this.#memory.bytes().buffer, table >>> 0)
        const requests: IDBRequest<unknown>[] = []
        for (let row = 0; row < 16 * count; row += 16) requests.push(store.get(view.getFloat64(row, true)))
        waiting.add(ticket)
        requests.at(-1)!.onsuccess = () => {
          waiting.delete(ticket)
          this.#deliver(requests, table >>> 0)
          this.#reading = reading
          this.#done(ticket, 1)
          this.#reading = undefined
        }
      } catch (thrown) {
        this.#refuse(ticket, thrown)
      }
      return continued ? 0 : 1
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

  #begin(connection: number, mode: IDBTransactionMode, durability: IDBTransactionDurability): IDBTransaction {
    return this.#connections[connection]!.transaction(STORE, mode, { durability })
  }

  #beginReading(connection: number): Reading {
    const transaction = this.#begin(connection, 'readonly', 'relaxed')
    const waiting = new Set<number>()
    transaction.onabort = () => {
      for (const ticket of waiting) this.#fail(ticket, transaction.error)
    }
    return { connection, store: transaction.objectStore(STORE), waiting, rounds: 0 }
  }

  /** The transaction whose result the engine is looking at, if it may ask for more. */
  #continued(connection: number): Reading | undefined {
    const reading = this.#reading
    if (reading?.connection !== connection || this.#writing > 0 || ++reading.rounds > MOST_ROUNDS) return undefined
    return reading
  }

  #fail(ticket: number, reason: unknown): void {
    this.#reasons.set(ticket, reason)
    this.#done(ticket, 0)
  }

  /** The engine waits for the outcome only when its call has returned. */
  #refuse(ticket: number, reason: unknown): void {
    queueMicrotask(() => this.#fail(ticket, reason))
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
