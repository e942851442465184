import { VarveError, asVarveError, type ErrorCode, type ErrorFields } from './errors.js'
import { Op, RequestWriter, ResponseReader } from './frame.js'
import type { Receiver, Transport } from './transport.js'

/** Makes a result of a response, whose first header the reader stands on. @internal */
export interface Reply<T> {
  read(response: ResponseReader): T
  /** The result of a request without headers, which is not sent. Undefined if it is missing. */
  none?(): T
}

/** The reply to a request that has no result. @internal */
export const done: Reply<void> = { read: () => undefined }

/** What has to know of everything that may change a value. @internal */
export interface Witness {
  /** A key is about to be written. */
  forget(key: string | Uint8Array): void
  /** Any key may be, or a write may have failed. */
  clear(): void
}

/**
 * A frame is sent when it has about this many bytes, or else at the end of the tick: an engine in
 * another thread serves one while the next is made.
 */
const FRAME_SIZE = 128 << 10

/** So many bytes of requests may be unanswered; the rest waits here, in order. */
const MAX_IN_FLIGHT = 8 << 20

type Resolve = (value: unknown) => void
type Reject = (error: unknown) => void

// One executor for all promises: a request costs no closure.
let lastResolve: Resolve
let lastReject: Reject
function executor(resolve: Resolve, reject: Reject): void {
  lastResolve = resolve
  lastReject = reject
}

const codes: readonly (ErrorCode | undefined)[] = [
  undefined,
  'CLOSED',
  'LOCKED',
  'NO_SPACE',
  'CORRUPT',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'EXISTS',
  'ABORTED',
  'UNSUPPORTED',
  'IO',
]

const numericFields: ReadonlySet<string> = new Set(['offset', 'wanted', 'available'])

/**
 * Sends requests through a transport and matches the responses to them.
 *
 * Ids are places in the table of what is pending, and are used again when they have been answered.
 *
 * @internal
 */
export class Client implements Receiver {
  readonly writer = new RequestWriter()
  /** Aborted when the client has failed or was closed. */
  readonly ended = new AbortController()
  /** Called before a write leaves, and when a request has failed. */
  witness: Witness | undefined
  #transport: Transport | undefined
  #failure: VarveError | undefined
  #closing: Promise<void> | undefined
  #scheduled = false
  #lastHandle = 0

  // The pending table, in columns. A free place is in #free, or lies behind all that were used.
  readonly #resolves: (Resolve | undefined)[] = []
  readonly #rejects: (Reject | undefined)[] = []
  readonly #replies: (Reply<unknown> | undefined)[] = []
  readonly #costs: number[] = []
  readonly #free: number[] = []

  #frames: Uint8Array<ArrayBuffer>[] = []
  #frameCosts: number[] = []
  #frameCost = 0
  #measured = this.writer.size // what the writer held when the last request was counted
  #inFlight = 0
  #receiving = false

  /** Sends what has been asked by now through `transport`, and what will be. */
  connect(transport: Transport): void {
    if (this.#failure) {
      transport.close()
      return
    }
    this.#transport = transport
    this.#pump()
  }

  /** Why no more requests are taken. */
  get closed(): boolean {
    return this.#failure !== undefined || this.#closing !== undefined
  }

  /** A handle for a scan or a snapshot. */
  newHandle(): number {
    this.#lastHandle = this.#lastHandle === 0xffffffff ? 1 : this.#lastHandle + 1
    return this.#lastHandle
  }

  /** Fails when the client takes no more requests. */
  check(): void {
    if (this.#failure) throw this.#failure
    if (this.#closing) throw new VarveError('CLOSED', 'The store has been closed; open it again.')
  }

  /**
   * Makes a request of the headers that `build` adds: of all, or of none if it throws, and then the
   * promise is rejected. From the first header on, `build` must call nothing but `add`.
   */
  request<T>(reply: Reply<T>, build: () => void): Promise<T> {
    const promise = new Promise<unknown>(executor) as Promise<T>
    this.#make(reply, build, lastResolve, lastReject)
    return promise
  }

  /**
   * As `request`, but returns the result at once.
   *
   * @throws {VarveError} `UNSUPPORTED` if the engine is not in this thread, or would have to wait.
   */
  requestNow<T>(reply: Reply<T>, build: () => void): T {
    let settled: (() => T) | undefined
    this.#make(
      reply,
      build,
      (value) => (settled = () => value as T),
      (error) => (settled = () => { throw error }),
    )
    this.#flush()
    do this.#pump()
    while (!settled && this.#transport?.advance?.())
    if (!settled) throw new VarveError('UNSUPPORTED', 'The engine has to wait for what was asked of it; await it instead.')
    return settled()
  }

  /** Adds a header to the request that is being built. */
  add(
    op: number,
    flags: number,
    durability: number,
    handle: number,
    key: string | Uint8Array = '',
    tag = '',
    value: string | Uint8Array = '',
  ): void {
    if (this.witness) {
      if (op === Op.put || op === Op.del) this.witness.forget(key)
      else if (op === Op.clear) this.witness.clear()
    }
    this.writer.add(op, flags, durability, this.#nextPlace + 1, handle, key, tag, value)
  }

  get #nextPlace(): number {
    return this.#free.at(-1) ?? this.#resolves.length
  }

  #make(reply: Reply<unknown>, build: () => void, resolve: Resolve, reject: Reject): void {
    const { writer } = this
    let frame: Uint8Array<ArrayBuffer> | undefined
    let size: number
    try {
      this.check()
      build()
      this.check() // what it has called may have ended the engine
      size = writer.size
      if (size === this.#measured) {
        resolve(reply.none?.())
        return
      }
      if (size >= FRAME_SIZE) frame = writer.take()
      writer.keep()
    } catch (error) {
      writer.rollBack()
      this.witness?.clear()
      this.#measured = writer.size
      reject(asVarveError(error, 'INVALID_ARGUMENT'))
      return
    }
    const place = this.#nextPlace
    this.#free.pop()
    this.#resolves[place] = resolve
    this.#rejects[place] = reject
    this.#replies[place] = reply
    const cost = size - this.#measured
    this.#costs[place] = cost
    this.#frameCost += cost
    this.#measured = size
    if (frame) {
      this.#seal(frame)
    } else if (!this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(this.#flush)
    }
  }

  /** Lets the thread get to its other events before the engine answers what is asked next. */
  rest(): void {
    this.#transport?.rest?.()
  }

  /** Sends a request of one header without a payload. */
  call<T>(op: number, handle: number, reply: Reply<T>): Promise<T> {
    return this.request(reply, () => this.add(op, 0, 0, handle))
  }

  /** Closes the store when everything asked before is answered. */
  close(): Promise<void> {
    if (this.#failure) return Promise.resolve()
    this.#closing ??= this.call(Op.close, 0, done).finally(() => {
      this.fail(new VarveError('CLOSED', 'The store has been closed; open it again.'))
    })
    return this.#closing
  }

  /** Ends the engine and rejects what is pending, and all that is asked from now on. */
  fail(error: VarveError): void {
    if (this.#failure) return
    this.#failure = error
    this.witness?.clear()
    this.ended.abort()
    this.#frames = []
    this.#transport?.close()
    this.#transport = undefined
    for (const reject of this.#rejects.splice(0)) reject?.(error)
    this.#resolves.length = this.#replies.length = this.#free.length = 0
  }

  receive(frame: Uint8Array, onLoan = false): void {
    if (this.#failure) return
    const response = new ResponseReader(frame, onLoan)
    this.#receiving = true
    try {
      while (response.next()) {
        this.#settle(response)
        // A reply that threw has left headers of its response.
        while (response.more && response.next());
      }
    } catch (error) {
      // A codec that transfers its bytes takes the frame with them: what else it answers is lost.
      queueMicrotask(() => this.fail(asVarveError(error)))
    }
    this.#receiving = false
    if (this.#frames.length > 0) queueMicrotask(this.#pump)
  }

  #settle(response: ResponseReader): void {
    const place = response.id - 1
    const reply = this.#replies[place]
    if (!reply) return
    const resolve = this.#resolves[place]!
    const reject = this.#rejects[place]!
    this.#resolves[place] = this.#rejects[place] = this.#replies[place] = undefined
    this.#free.push(place)
    this.#inFlight -= this.#costs[place]!
    try {
      if (response.status !== 0) {
        this.witness?.clear()
        throw readError(response)
      }
      resolve(reply.read(response))
    } catch (error) {
      reject(asVarveError(error))
    }
  }

  readonly #flush = (): void => {
    this.#scheduled = false
    if (this.writer.empty) return
    try {
      this.#seal(this.writer.take())
    } catch (error) {
      this.fail(asVarveError(error)) // memory does not hold it
    }
  }

  #seal(frame: Uint8Array<ArrayBuffer>): void {
    this.#frames.push(frame)
    this.#frameCosts.push(this.#frameCost)
    this.#frameCost = 0
    this.#measured = this.writer.size
    this.#pump()
  }

  readonly #pump = (): void => {
    // An engine in this thread must not be called while it calls.
    if (this.#receiving) return
    while (this.#transport && this.#frames.length > 0) {
      const cost = this.#frameCosts[0]!
      if (this.#inFlight > 0 && this.#inFlight + cost > MAX_IN_FLIGHT) return
      this.#inFlight += cost
      this.#frameCosts.shift()
      this.#transport.send(this.#frames.shift()!)
    }
  }
}

function readError(response: ResponseReader): VarveError {
  const code = codes[response.status] ?? 'IO'
  const message = response.valueText()
  const fields: Record<string, string | number> = {}
  while (response.more && response.next()) {
    const name = response.keyText()
    const text = response.valueText()
    fields[name] = numericFields.has(name) ? Number(text) : text
  }
  return new VarveError(code, message, { fields: fields satisfies ErrorFields })
}
