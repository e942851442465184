import { destroy, open, type Store } from 'varve'
import wasmUrl from 'varve/varve.wasm'

const NAME = 'playground'

/** The open store, which `destroy` replaces by an empty one. */
export class Session {
  readonly #listeners = new Set<() => void>()
  #life = new AbortController()

  private constructor(
    public store: Store,
    /** How long it took to open the store, in ms. */
    readonly openedIn: number,
  ) {}

  static async open(): Promise<Session> {
    const began = performance.now()
    const store = await openStore()
    return new Session(store, performance.now() - began)
  }

  /** Calls the listener whenever what is stored has changed. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Is aborted when the store is destroyed: whoever uses it stops, and its failures are none. */
  get ends(): AbortSignal {
    return this.#life.signal
  }

  async destroy(): Promise<void> {
    this.#life.abort()
    try {
      await this.store.close()
      await destroyStore()
      this.store = await openStore()
    } finally {
      this.#life = new AbortController()
    }
    this.changed()
  }
}

/** Removes the store though it can't be opened. */
export async function destroyStore(): Promise<void> {
  await destroy(NAME, { wasmUrl, workerUrl: WORKER_URL })
}

function openStore(): Promise<Store> {
  return open(NAME, { wasmUrl, workerUrl: WORKER_URL })
}
