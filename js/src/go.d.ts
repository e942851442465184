/** Go's own glue for WebAssembly, wasm_exec.js, as build.mjs adapts it. */
declare module 'varve:go' {
  export class Go {
    argv: string[]
    exit: (code: number) => void
    importObject: WebAssembly.Imports
    run(instance: WebAssembly.Instance): Promise<void>
    /** Runs goroutines until all of them wait. */
    _resume(): void
  }
}
