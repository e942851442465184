import { Go } from 'varve:go'
import { VarveError } from './errors.js'
import { Pages } from './pages.js'
import { holdOpen } from './ports.js'

interface Exports {
  mem: WebAssembly.Memory
  varve_buffer(length: number): number
  varve_submit(length: number): number
  varve_tick(): void
  /** Missing from an engine that does without Pages. */
  varve_idb_done?(ticket: number, ok: number): void
}

/**
 * An engine running in this thread. It is called with frames and never from within `respond`.
 *
 * @internal
 */
export class Host {
  readonly #go: Go
  readonly #exports: Exports
  readonly #stopped: (error: VarveError) => void
  readonly #yield = new MessageChannel()
  #respond: (frame: Uint8Array<ArrayBuffer>) => void
  readonly #loan: Uint8Array<ArrayBuffer>
  #memory = new Uint8Array(0)
  #running = true
  #yielding = false

  /**
   * Starts an engine. `respond` gets frames of its own, but small ones in `loan`, if that is
   * given, until it returns; `stopped` is called if the engine fails.
   */
  static async start(
    module: WebAssembly.Module,
    respond: (frame: Uint8Array<ArrayBuffer>) => void,
    stopped: (error: VarveError) => void,
    loan?: Uint8Array<ArrayBuffer>,
  ): Promise<Host> {
    let host: Host
    const go = new Go()
    const pages = new Pages({ bytes: () => host.#view() }, (ticket, ok) => host.#ended(ticket, ok))
    const varve = {
      ...pages.imports,
      respond: (head: number, headLength: number, body: number, bodyLength: number) =>
        host.#respond(host.#copy(head >>> 0, headLength, body >>> 0, bodyLength)),
      yield: () => host.#putOff(),
    }
    let instance: WebAssembly.Instance
    try {
      instance = await WebAssembly.instantiate(module, { ...go.importObject, varve })
    } catch (cause) {
      throw new VarveError('UNSUPPORTED', `The engine could not be started: ${String(cause)}. Its varve.wasm may be of another version of the package.`, { cause })
    }
    host = new Host(go, instance, respond, stopped, loan)
    return host
  }

  private constructor(
    go: Go,
    instance: WebAssembly.Instance,
    respond: (frame: Uint8Array<ArrayBuffer>) => void,
    stopped: (error: VarveError) => void,
    loan = new Uint8Array(0),
  ) {
    this.#go = go
    this.#loan = loan
    this.#respond = respond
    this.#exports = instance.exports as unknown as Exports
    this.#stopped = stopped
    this.#yield.port1.onmessage = () => this.#tick()
    holdOpen(this.#yield.port1, false)
    go.argv = ['varve']
    go.exit = () => this.#fail()
    go.run(instance).catch((cause: unknown) => this.#fail(cause))
  }

  /** Gives the engine a frame of requests. */
  submit(frame: Uint8Array): void {
    this.#guard(() => {
      const at = this.#exports.varve_buffer(frame.length) >>> 0
      this.#view().set(frame, at)
      if (this.#exports.varve_submit(frame.length) !== 0) this.#go._resume()
    })
  }

  /** Lets the engine go on after it has yielded, before other events; false if it has not. */
  advance(): boolean {
    if (!this.#yielding) return false
    this.#tick()
    return true
  }

  /** Goes on when other events have been served. */
  #putOff(): void {
    this.#yielding = true
    holdOpen(this.#yield.port1, true)
    this.#yield.port2.postMessage(null)
  }

  #tick(): void {
    this.#yielding = false
    holdOpen(this.#yield.port1, false)
    this.#guard(() => {
      this.#exports.varve_tick()
      this.#go._resume()
    })
  }

  /** Tells the engine that a transaction of its Pages has ended. */
  #ended(ticket: number, ok: number): void {
    this.#guard(() => {
      this.#exports.varve_idb_done!(ticket, ok)
      this.#go._resume()
    })
  }

  /** Gives the engine a last frame: it is let go when `ended` says that a frame answers that. */
  stop(last: Uint8Array, ended: (frame: Uint8Array) => boolean): void {
    this.#respond = (frame) => {
      if (ended(frame)) this.#halt()
    }
    this.submit(last)
  }

  /** Lets the engine be collected. */
  #halt(): void {
    this.#running = false
    this.#yield.port1.close()
  }

  /** Runs Go code, which throws when it crashes. */
  #guard(run: () => void): void {
    if (!this.#running) return
    try {
      run()
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #fail(cause?: unknown): void {
    if (!this.#running) return
    this.#halt()
    this.#stopped(
      new VarveError('IO', "The engine has crashed; the console has its report. What was acknowledged is there when the store is opened again, with host 'inline' after the page was loaded again.", { cause }),
    )
  }

  #copy(head: number, headLength: number, body: number, bodyLength: number): Uint8Array<ArrayBuffer> {
    const memory = this.#view()
    const length = headLength + bodyLength
    const frame = length <= this.#loan.length ? this.#loan.subarray(0, length) : new Uint8Array(length)
    frame.set(memory.subarray(head, head + headLength))
    frame.set(memory.subarray(body, body + bodyLength), headLength)
    return frame
  }

  /** The engine's memory, which is another buffer whenever it has grown. */
  #view(): Uint8Array {
    const { buffer } = this.#exports.mem
    if (this.#memory.buffer !== buffer) this.#memory = new Uint8Array(buffer)
    return this.#memory
  }
}
