/** The script of the worker that an engine runs in. */
import { asVarveError } from './errors.js'
import { Host } from './host.js'
import type { FailureMessage, StartMessage } from './transport.js'
import { loadModule } from './wasm.js'

// A dedicated worker's global scope has the methods of a port.
const page = globalThis as unknown as MessagePort

let host: Host | undefined
const early: ArrayBuffer[] = [] // frames that came before the engine ran

page.onmessage = ({ data }: MessageEvent<StartMessage | ArrayBuffer>) => {
  if (!(data instanceof ArrayBuffer)) {
    start(data).catch(fail)
  } else if (host) {
    host.submit(new Uint8Array(data))
  } else {
    early.push(data)
  }
}

async function start({ start: source }: StartMessage): Promise<void> {
  const started = await Host.start(
    await loadModule(source),
    (frame) => page.postMessage(frame.buffer, [frame.buffer]),
    fail,
  )
  host = started
  for (const frame of early.splice(0)) started.submit(new Uint8Array(frame))
}

function fail(error: unknown): void {
  const { code, message, fields } = asVarveError(error)
  page.postMessage({ failure: { code, message, fields } } satisfies FailureMessage)
}
