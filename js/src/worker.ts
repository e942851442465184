/** The script of the worker that an engine runs in. */
import { asVarveError } from './errors.js'
import { Host } from './host.js'
import type { StartMessage, WorkerMessage } from './transport.js'
import { loadModule } from './wasm.js'

// A dedicated worker's global scope has the methods of a port.
const page = globalThis as unknown as MessagePort

let host: Host

page.onmessage = ({ data }: MessageEvent<StartMessage | ArrayBuffer>) => {
  if (data instanceof ArrayBuffer) host.submit(new Uint8Array(data))
  else start(data).catch(fail)
}
say('listens')

async function start({ start: source }: StartMessage): Promise<void> {
  host = await Host.start(
    await loadModule(source),
    (frame) => page.postMessage(frame.buffer, [frame.buffer]),
    fail,
  )
  say('runs')
}

function fail(error: unknown): void {
  const { code, message, fields } = asVarveError(error)
  say({ failure: { code, message, fields } })
}

function say(message: WorkerMessage): void {
  page.postMessage(message)
}
