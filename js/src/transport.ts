import { VarveError } from './errors.js'
import { Paced } from './paced.js'
import { loadModule, type WasmSource } from './wasm.js'

/**
 * What carries frames between a client and an engine, wherever that runs. Frames arrive in the
 * order in which they were sent, in either direction.
 *
 * @internal
 */
export interface Transport {
  /** Sends a frame, and takes its buffer. */
  send(frame: Uint8Array<ArrayBuffer>): void
  /** Lets an engine in this thread do what it has put off; false if there is nothing such. */
  advance?(): boolean
  /** Lets what is sent next wait for its turn among this thread's events, if it would not anyway. */
  rest?(): void
  /** Ends the engine. The store is free for others as soon as may be. */
  close(): void
}

/** The client's end of a transport. @internal */
export interface Receiver {
  /** `onLoan`: the frame's memory is the receiver's until it returns. */
  receive(frame: Uint8Array, onLoan?: boolean): void
  /** Says that no frame will arrive any more. */
  fail(error: VarveError): void
}

/** The first message to a worker; all others are frames, as ArrayBuffers. @internal */
export interface StartMessage {
  start: WasmSource
}

/**
 * What a worker says beside frames: that it waits for the start, lest that be lost, that its engine takes
 * frames, and that it can't go on.
 *
 * @internal
 */
export type WorkerMessage = 'listens' | 'runs' | { failure: Pick<VarveError, 'code' | 'message' | 'fields'> }

/** Runs the engine in a worker of its own. @internal */
export function startWorker(source: WasmSource, workerUrl: string | URL | undefined, receiver: Receiver): Transport {
  const worker = createWorker(workerUrl)
  // Compiled while the worker starts, which takes as long. What a policy denies to the page it may
  // allow to the worker: so that tries for itself, and says what fails.
  const compiled = loadModule(source).then((module) => ({ module }), () => source)
  let early: ArrayBuffer[] | undefined = []
  let heard = false
  worker.onmessage = ({ data }: MessageEvent<ArrayBuffer | WorkerMessage>) => {
    heard = true
    if (data instanceof ArrayBuffer) {
      receiver.receive(new Uint8Array(data))
    } else if (data === 'listens') {
      void compiled.then((start) => worker.postMessage({ start } satisfies StartMessage))
    } else if (data === 'runs') {
      for (const frame of early!) worker.postMessage(frame, [frame])
      early = undefined
    } else {
      const { code, message, fields } = data.failure
      receiver.fail(new VarveError(code, message, { fields }))
    }
  }
  worker.onerror = (event) => {
    // Without this, browsers report the event as an uncaught error as well.
    event.preventDefault()
    receiver.fail(heard || event.message ? crashed(event.message) : notLoaded(workerUrl))
  }
  worker.onmessageerror = () => receiver.fail(crashed('a message could not be read'))
  return {
    send({ buffer }) {
      if (early) early.push(buffer)
      else worker.postMessage(buffer, [buffer])
    },
    close: () => worker.terminate(),
  }
}

// Bundlers look for exactly this expression to find the worker.
function createWorker(url: string | URL | undefined): Worker {
  try {
    if (url !== undefined) return new Worker(url, { type: 'module' })
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
  } catch (cause) {
    throw new VarveError('UNSUPPORTED', "The worker can't be started here: its script must be of the page's own origin (give its URL as workerUrl) and allowed by the Content-Security-Policy (worker-src). Or open the store with host 'inline'.", { cause })
  }
}

function crashed(message: string): VarveError {
  return new VarveError('IO', `The engine's worker failed: ${message}. Open the store again.`)
}

function notLoaded(url: string | URL | undefined): VarveError {
  const what = url === undefined ? "the package's worker.js" : String(url)
  return new VarveError('UNSUPPORTED', `The worker script could not be loaded from ${what}. Serve it there as JavaScript and allow it in the Content-Security-Policy (worker-src), or give its URL as workerUrl.`)
}

/** Larger answers of an engine in this thread get memory of their own, so that results can be parts of it. */
const LARGEST_ON_LOAN = 1024

/** Runs the engine in the caller's own thread. @internal */
export async function startInline(source: WasmSource, receiver: Receiver): Promise<Transport> {
  const [{ Host }, module] = await Promise.all([
    import('./host.js'),
    'url' in source && source.url.startsWith('file:')
      ? import('./node.js').then(({ compileFile }) => compileFile(source.url))
      : loadModule(source),
  ])
  // An allocation for each small answer would cost a tenth of a get.
  const loan = new Uint8Array(LARGEST_ON_LOAN)
  const host = await Host.start(
    module,
    (frame) => receiver.receive(frame, frame.buffer === loan.buffer),
    (error) => receiver.fail(error),
    loan,
  )
  return new Paced(host)
}
