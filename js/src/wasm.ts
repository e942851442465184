import { refusal } from './arguments.js'
import { invalid } from './errors.js'
import type { UntypedOptions } from './options.js'

/** Where the engine comes from: compiled already, or to be fetched. @internal */
export type WasmSource = { module: WebAssembly.Module } | { url: string }

/** @internal */
export function wasmSource(options: Pick<UntypedOptions, 'wasmUrl' | 'wasmModule' | 'dir'>): WasmSource {
  const { wasmModule, wasmUrl, dir } = options
  if (wasmModule !== undefined) {
    if (wasmModule instanceof WebAssembly.Module) return { module: wasmModule }
    throw refusal('wasmModule', wasmModule, 'has to be a WebAssembly.Module')
  }
  try {
    // Bundlers look for exactly this expression to find the file.
    const url = absolute(wasmUrl ?? new URL('./varve.wasm', import.meta.url))
    // They must not find the one for directories in Node.
    return { url: dir === undefined || wasmUrl !== undefined ? url : absolute('varve-node.wasm', url) }
  } catch (cause) {
    throw invalid(wasmUrl === undefined ? 'Where varve.wasm is can’t be told here; give wasmUrl.' : `wasmUrl is no URL: ${wasmUrl}.`, cause)
  }
}

/** A worker resolves a relative URL against its own script, the page against itself. */
function absolute(url: string | URL, base = (globalThis as { location?: { href: string } }).location?.href): string {
  return new URL(url, base).href
}
