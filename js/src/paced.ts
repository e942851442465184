import type { Host } from './host.js'
import { holdOpen } from './ports.js'
import type { Transport } from './transport.js'

/** How long the engine may answer frames before the thread's other events are served, in milliseconds. */
const SLICE = 4

/**
 * Carries frames to an engine in this thread. Where each answer leads to the next request, as in
 * a loop over a scan, the thread would get to nothing else: microtasks go before all events. So
 * once the engine has worked for a while, what is sent waits for its turn among the events.
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

  close(): void {
    for (const frame of this.#late.splice(0)) this.#host.submit(frame)
    this.#turn.port1.close()
    this.#host.stop()
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
