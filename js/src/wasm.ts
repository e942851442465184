/** Where the engine comes from: compiled already, or to be fetched. @internal */
export type WasmSource = { module: WebAssembly.Module } | { url: string }

/** @internal */
export function wasmSource(options: { wasmUrl?: string | URL; wasmModule?: WebAssembly.Module }): WasmSource {
  if (options.wasmModule !== undefined) return { module: options.wasmModule }
  // Bundlers look for exactly this expression to find the file.
  const url = options.wasmUrl ?? new URL('./varve.wasm', import.meta.url)
  return { url: absolute(url) }
}

/** A worker resolves a relative URL against its own script, the page against itself. */
function absolute(url: string | URL): string {
  const base = (globalThis as { location?: { href: string } }).location?.href
  return base === undefined ? String(url) : new URL(url, base).href
}
