import type { Host } from './host.js'
import { Op, RequestWriter, ResponseReader } from './frame.js'
import { holdOpen } from './ports.js'
import type { Transport } from './transport.js'

/** How long the engine may answer frames before the thread's other events are served, in milliseconds. */
const SLICE = 4

/**
 * Carries frames to an engine in this thread. Where each answer leads to the next request, as in
 * a loop over a scan, the thread would get to nothing else: microtasks go before all events. So
 * once the engine has worked for a while, what is sent waits for its turn among the events. What it
 * works is summed up from one such turn to the next, however long ago that was: after a pause, one
 * frame may wait for a turn without need, which costs it no more than that.
 *
 * @internal
 */
export class Paced implements Transport {
  readonly #host: Host
  readonly #turn = new MessageChannel()
  #late: Uint8Array<ArrayBuffer>[] = []
  #worked = 0

  constructor(host: Host) {
    this.#host = host
    this.#turn.port1.onmessage = () => this.#begin()
    holdOpen(this.#turn.port1, false)
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#late.length === 0 && this.#worked < SLICE) {
      this.#submit(frame)
      return
    }
    this.#late.push(frame)
    if (this.#late.length === 1) this.#putOff()
  }

  advance(): boolean {
    if (this.#late.length === 0) return this.#host.advance()
    this.#begin()
    return true
  }

  rest(): void {
    this.#worked = SLICE
  }

  close(): void {
    for (const frame of this.#late.splice(0)) this.#host.submit(frame)
    this.#turn.port1.close()
    stop(this.#host)
  }

  #submit(frame: Uint8Array<ArrayBuffer>): void {
    const begun = performance.now()
    this.#host.submit(frame)
    this.#worked += performance.now() - begun
  }

  #putOff(): void {
    holdOpen(this.#turn.port1, true)
    this.#turn.port2.postMessage(null)
  }

  /** Begins a slice. */
  #begin(): void {
    this.#worked = 0
    while (this.#late.length > 0 && this.#worked < SLICE) this.#submit(this.#late.shift()!)
    if (this.#late.length > 0) this.#putOff()
    else holdOpen(this.#turn.port1, false)
  }
}

/** The id of the last request to an engine, which no client's table is long enough to give. */
const LAST_ID = 0xffffffff

/** Ends the engine, when it has closed its store: one that is still being opened would stay locked. @internal */
export function stop(host: Host): void {
  const last = new RequestWriter()
  last.add(Op.close, 0, 0, LAST_ID, 0, '', '', '')
  host.stop(last.take(), (frame) => {
    const response = new ResponseReader(frame)
    while (response.next()) if (response.id === LAST_ID) return true
    return false
  })
}
