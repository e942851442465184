import { invalid } from './errors.js'
import { kindOf } from './keys.js'

/** Where the engine comes from: compiled already, or to be fetched. @internal */
export type WasmSource = { module: WebAssembly.Module } | { url: string }

/** @internal */
export function wasmSource(options: { wasmUrl?: string | URL; wasmModule?: WebAssembly.Module }): WasmSource {
  const { wasmModule, wasmUrl } = options
  if (wasmModule !== undefined) {
    if (wasmModule instanceof WebAssembly.Module) return { module: wasmModule }
    throw invalid(`wasmModule is ${kindOf(wasmModule)}; it has to be a WebAssembly.Module.`)
  }
  try {
    // Bundlers look for exactly this expression to find the file.
    return { url: absolute(wasmUrl ?? new URL('./varve.wasm', import.meta.url)) }
  } catch (cause) {
    throw invalid(wasmUrl === undefined ? 'Where varve.wasm is can’t be told here; give wasmUrl.' : `wasmUrl is no URL: ${wasmUrl}.`, cause)
  }
}

/** A worker resolves a relative URL against its own script, the page against itself. */
function absolute(url: string | URL): string {
  const base = (globalThis as { location?: { href: string } }).location?.href
  return new URL(url, base).href
}
