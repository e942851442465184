import { refusal } from './arguments.js'
import { VarveError, invalid } from './errors.js'
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

/** As fetch and Worker do: a worker resolves a relative URL against its own script, the page against its base. */
function absolute(url: string | URL, base = globalThis.document?.baseURI ?? globalThis.location?.href): string {
  return new URL(url, base).href
}

/** Fetches and compiles the engine, unless it is compiled already. @internal */
export async function loadModule(source: WasmSource): Promise<WebAssembly.Module> {
  if (typeof WebAssembly === 'undefined') {
    throw new VarveError('UNSUPPORTED', 'There is no WebAssembly here.')
  }
  if ('module' in source) return source.module
  const { url } = source
  try {
    const response = await fetch(url, { credentials: 'same-origin' })
    if (!response.ok) throw notWasm(response, 'is not there')
    const type = response.headers.get('content-type') ?? 'none'
    if (type === 'application/wasm') return await WebAssembly.compileStreaming(response)
    return await WebAssembly.compile(await wasmBytes(response, type))
  } catch (cause) {
    if (cause instanceof VarveError) throw cause
    if (cause instanceof WebAssembly.CompileError || cause instanceof EvalError) {
      throw new VarveError('UNSUPPORTED', `${url} could not be compiled: ${String(cause)}. If the page has a Content-Security-Policy, its script-src needs 'wasm-unsafe-eval'.`, { cause })
    }
    throw new VarveError('IO', `${url} could not be fetched: ${String(cause)}.`, { cause })
  }
}

async function wasmBytes(response: Response, type: string): Promise<ArrayBuffer> {
  const bytes = await response.arrayBuffer()
  const magic = new Uint8Array(bytes, 0, Math.min(4, bytes.byteLength))
  if (String.fromCharCode(...magic) !== '\0asm') throw notWasm(response, 'is no WebAssembly', type)
  return bytes
}

function notWasm(response: Response, what: string, type = response.headers.get('content-type') ?? 'none'): VarveError {
  return new VarveError(
    'IO',
    `${response.url} ${what}: the answer has status ${response.status} and content type ${type}. ` +
      "Serve the package's dist/varve.wasm there, as application/wasm, or give its URL as wasmUrl.",
    { fields: { url: response.url, status: response.status, contentType: type } },
  )
}
