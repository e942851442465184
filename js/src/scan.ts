import { refusal, requireSignal } from './arguments.js'
import { done, type Client, type Reply } from './client.js'
import { asyncDispose } from './dispose.js'
import { aborted, type VarveError } from './errors.js'
import { NO_LIMIT, Op, RequestFlag, type ResponseReader } from './frame.js'
import type { Key } from './keys.js'
import type { Bounds, KeyRange } from './range.js'

/** Which entries, in which order, and how many. */
export interface ScanOptions extends KeyRange {
  /** From the last key to the first. Default false. */
  reverse?: boolean | undefined
  /** At most so many. Default: all. */
  limit?: number | undefined
  /** Ends the scan; the iteration then fails with `ABORTED`. */
  signal?: AbortSignal | undefined
}

/** A key and its value. */
export type Entry<K extends Key = string, V = unknown> = [key: K, value: V]

/**
 * Bytes asked for at first, if nothing else is said; every answer doubles it, up to the most that a
 * loop goes through without keeping its thread from other events for too long.
 */
const FIRST_ANSWER = 32 << 10
const LOOP_ANSWER = 256 << 10

/** Bytes asked for by who takes all at once. */
const LARGEST_ANSWER = 512 << 10

/** What is left of a scan that was dropped: its handle, and the listener on its signal. @internal */
export interface Dropped {
  readonly handle: number
  readonly unlisten: () => void
}

/** @internal */
export type ScanRegistry = FinalizationRegistry<Dropped>

interface Chunk<T> {
  items: T[]
  end: boolean
}

/** @internal */
export function openScan<T>(
  client: Client,
  registry: ScanRegistry,
  snapshot: number,
  { lower, upper }: Bounds,
  options: Pick<ScanOptions, 'reverse' | 'limit' | 'signal'>,
  mode: number,
  read: (response: ResponseReader) => T,
  // Whoever gives a limit mostly takes all of it.
  wanted = options.limit === undefined ? FIRST_ANSWER : LOOP_ANSWER,
): Scan<T> {
  const { limit = Infinity, signal } = options
  if (limit !== Infinity && !(Number.isInteger(limit) && limit >= 0)) {
    throw refusal('limit', limit, 'is a whole number, or left out for no limit')
  }
  requireSignal(signal)
  const handle = client.newHandle()
  const chunks: Reply<Chunk<T>> = { read: (response) => readChunk(response, read) }
  const first = client.request(chunks, () => {
    if (signal?.aborted) throw aborted(signal)
    const flags = mode | (options.reverse ? RequestFlag.reverse : 0) | (upper ? RequestFlag.upperBound : 0)
    client.add(Op.scanOpen, flags, 0, handle, lower, '', upper)
    client.add(Op.scanOpen, 0, 0, handle, uint32s(snapshot, Math.min(limit, NO_LIMIT), wanted))
  })
  return new Scan(client, registry, handle, chunks, first, signal?.aborted ? undefined : signal, wanted)
}

/**
 * Begins an archive of the store, whose moment is this call. Its pieces are memory of their own: what
 * takes a stream may transfer them.
 *
 * @internal
 */
export function openExport(client: Client, registry: ScanRegistry): Scan<Uint8Array> {
  const handle = client.newHandle()
  const chunks: Reply<Chunk<Uint8Array>> = { read: (response) => readChunk(response, () => response.valueBytes().slice()) }
  const first = client.request(chunks, () => client.add(Op.export, 0, 0, handle, uint32s(FIRST_ANSWER)))
  return new Scan(client, registry, handle, chunks, first, undefined)
}

function uint32s(...numbers: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * numbers.length))
  numbers.forEach((n, i) => view.setUint32(4 * i, n, true))
  return new Uint8Array(view.buffer)
}

function readChunk<T>(response: ResponseReader, read: (response: ResponseReader) => T): Chunk<T> {
  const items: T[] = []
  if (!response.absent) {
    items.push(read(response))
    while (response.more && response.next()) items.push(read(response))
  }
  return { items, end: response.end }
}

/**
 * An iteration that has begun: its moment is the call that made it.
 *
 * It is iterated once. It fetches a little more than it is asked for, and nothing while nobody
 * asks. `break`ing out of a `for await`, or reaching its end, frees what it holds; one that is
 * dropped half way, or was never iterated, should be ended by `close()`. If it is not, it pins
 * old data until the garbage collector finds it or the store is closed.
 */
export class Scan<T> implements AsyncIterableIterator<T> {
  readonly #client: Client
  readonly #registry: ScanRegistry
  readonly #handle: number
  readonly #chunks: Reply<Chunk<T>>
  readonly #unlisten: () => void
  readonly #aborted: Promise<never> | undefined // rejected by the signal, if there is one

  #items: T[] = []
  #index = 0
  #last = false // the engine has nothing behind #items
  #ended = false
  #failure: unknown
  #wanted: number
  #arriving: Promise<Chunk<T>> | undefined // asked for, and not yet in #items
  #waiting = 0 // calls of next that wait for it
  #turn: Promise<void> = Promise.resolve() // when the last of them is answered
  #registered = false

  /** @internal */
  constructor(
    client: Client,
    registry: ScanRegistry,
    handle: number,
    chunks: Reply<Chunk<T>>,
    first: Promise<Chunk<T>>,
    signal: AbortSignal | undefined,
    wanted = FIRST_ANSWER,
  ) {
    this.#wanted = wanted
    this.#client = client
    this.#registry = registry
    this.#handle = handle
    this.#chunks = chunks
    let reject: (error: VarveError) => void
    if (signal) {
      this.#aborted = new Promise((_, rejecter) => (reject = rejecter))
      this.#aborted.catch(() => undefined)
    }
    // A WeakRef costs the collector more than a short scan.
    this.#unlisten = signal
      ? listen(signal, new WeakRef(this), (scan, error) => {
          scan.#items = []
          scan.#fail(error)
          reject(error)
        })
      : nothing
    if (signal) this.#register()
    else this.#registerAfter(first)
    this.#expect(first)
  }

  /** The next item. Calls may be made before earlier ones have been answered. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#waiting === 0 && this.#index < this.#items.length) {
      return Promise.resolve({ done: false, value: this.#take() })
    }
    return this.#nextLater()
  }

  /** Ends the scan and frees what it holds. */
  async return(): Promise<IteratorResult<T, undefined>> {
    await this.close()
    return { done: true, value: undefined }
  }

  /** Ends the scan and frees what it holds. It may be called again. */
  async close(): Promise<void> {
    this.#items = []
    this.#end()
  }

  /** All items that have not been iterated yet. */
  async toArray(): Promise<T[]> {
    this.#wanted = LARGEST_ANSWER
    if (this.#waiting > 0) await this.#turn
    const all: T[] = []
    for (;;) {
      const rest = this.#index === 0 ? this.#items : this.#items.slice(this.#index)
      if (all.length === 0 && this.#last && this.#failure === undefined) {
        this.#items = []
        this.#end()
        return rest
      }
      for (const item of rest) all.push(item)
      this.#items = []
      this.#index = 0
      if (!(await this.#more())) return all
    }
  }

  /** The next items: those that have arrived, at most `most`, and none only at the end. @internal */
  async nextMany(most: number): Promise<T[]> {
    while (this.#index >= this.#items.length) {
      if (!(await this.#more())) return []
    }
    const items = this.#items.slice(this.#index, this.#index + most)
    this.#advance(items.length)
    return items
  }

  /** The scan itself. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** Ends the scan at the end of an `await using` block. */
  [asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Lets a call of next wait for those before it. */
  #nextLater(): Promise<IteratorResult<T, undefined>> {
    const ready = (): void => void this.#waiting--
    this.#waiting++
    const result = this.#turn.then(() => this.#nextInTurn())
    this.#turn = result.then(ready, ready)
    return result
  }

  async #nextInTurn(): Promise<IteratorResult<T, undefined>> {
    while (this.#index >= this.#items.length) {
      if (!(await this.#more())) return { done: true, value: undefined }
    }
    return { done: false, value: this.#take() }
  }

  #take(): T {
    const item = this.#items[this.#index]!
    this.#advance(1)
    return item
  }

  #advance(by: number): void {
    const { length } = this.#items
    const middle = (length + 1) >> 1
    const before = this.#index
    this.#index += by
    // Half way, so that the next answer arrives about when it is needed.
    if (before < middle && this.#index >= middle) this.#ask()
    if (this.#index === length && this.#last) this.#end()
  }

  /** Waits for items to arrive behind those that have been taken; false at the end. */
  async #more(): Promise<boolean> {
    this.#ask()
    const arriving = this.#arriving
    if (arriving) {
      try {
        const chunk = await arriving
        if (this.#arriving === arriving) this.#install(chunk)
      } catch (error) {
        this.#fail(error)
      }
    } else if (this.#last) {
      this.#end()
    }
    if (this.#failure !== undefined) {
      const failure = this.#failure
      this.#failure = undefined
      throw failure
    }
    return this.#index < this.#items.length || !this.#ended
  }

  #install(chunk: Chunk<T>): void {
    this.#arriving = undefined
    if (this.#ended) return
    this.#items = chunk.items
    this.#index = 0
    this.#last = chunk.end
    // The listener on a signal ends with the iteration, or else by the collector.
    if (chunk.end && !this.#aborted) this.#unregister()
    if (chunk.end && chunk.items.length === 0) this.#end()
  }

  #ask(): void {
    if (this.#arriving || this.#last || this.#ended) return
    if (this.#wanted < LOOP_ANSWER) this.#wanted *= 2
    const client = this.#client
    this.#expect(client.request(this.#chunks, () => client.add(Op.scanNext, 0, 0, this.#handle, uint32s(this.#wanted))))
  }

  #expect(chunk: Promise<Chunk<T>>): void {
    this.#arriving = this.#aborted ? Promise.race([chunk, this.#aborted]) : chunk
    // A failure is kept for the next call: until there is one, it is nobody's.
    this.#arriving.catch(() => undefined)
  }

  /** Lets the collector end the scan when nobody has it any more. */
  #register(): void {
    this.#registered = true
    this.#registry.register(this, { handle: this.#handle, unlisten: this.#unlisten }, this)
  }

  /**
   * Registers a scan that does not end with its first answer, which keeps it until it arrives: to
   * register one costs more than all else that a short scan does here. An answer that could not be
   * read may have been no end.
   */
  #registerAfter(first: Promise<Chunk<T>>): void {
    const register = ({ end }: { end?: boolean }): unknown => end || this.#ended || this.#register()
    first.then(register, register)
  }

  #unregister(): void {
    if (this.#registered) this.#registry.unregister(this)
    this.#registered = false
  }

  #fail(error: unknown): void {
    if (this.#ended) return
    this.#failure = error
    this.#end()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#unlisten()
    this.#unregister()
    this.#arriving = undefined
    if (!this.#last && !this.#client.closed) {
      this.#client.call(Op.scanClose, this.#handle, done).catch(() => undefined)
    }
  }
}

const nothing = (): void => undefined

/** Listens to the signal without keeping the scan alive. Returns what ends that. */
function listen<S extends object>(
  signal: AbortSignal,
  scan: WeakRef<S>,
  abort: (scan: S, error: VarveError) => void,
): () => void {
  const listener = (): void => {
    const target = scan.deref()
    if (target) abort(target, aborted(signal))
  }
  signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}
