// Runs a Go test binary with the imports that the package's host has for it.
import { Go } from 'varve:go'
import { Pages } from '../../js/src/pages.js'

interface Exports {
  mem: WebAssembly.Memory
  varve_idb_done(ticket: number, ok: number): void
}

onmessage = async ({ data: args }: MessageEvent<string[]>) => {
  const go = new Go()
  let printed = ''
  console.error = (text: string) => (printed += `${text}\n`) // where the glue prints
  let exports: Exports
  let memory = new Uint8Array(0)
  const bytes = () => {
    const { buffer } = exports.mem
    return memory.buffer === buffer ? memory : (memory = new Uint8Array(buffer))
  }
  const pages = new Pages({ bytes }, (ticket, ok) => {
    exports.varve_idb_done(ticket, ok)
    go._resume()
  })
  await import(String(new URL('/beside.js', self.location.href)))
  const { instance } = await WebAssembly.instantiateStreaming(fetch('/idbfs.wasm'), {
    ...go.importObject,
    varve: pages.imports,
  })
  exports = instance.exports as unknown as Exports
  go.argv = ['idbfs.test', ...args]
  go.exit = (code: number) => postMessage({ code, printed })
  await go.run(instance)
}
