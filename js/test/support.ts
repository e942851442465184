import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Client } from '../src/client.js'
import { open } from '../src/open.js'
import { VarveError, type ErrorCode } from '../src/errors.js'
import type { OpenOptions } from '../src/options.js'
import type { Store } from '../src/store.js'

/** A frame of the codec's test data: hexadecimal, with spaces and lines for the eye. */
export function golden(name: string): Uint8Array {
  const text = readFileSync(`../wasm/frame/testdata/${name}`, 'utf8')
  return Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))
}

let compiled: Promise<WebAssembly.Module> | undefined

export function wasmModule(): Promise<WebAssembly.Module> {
  compiled ??= WebAssembly.compile(readFileSync('dist/varve.wasm'))
  return compiled
}

/** Opens a store in memory for the time of `use`. */
export async function withStore<V = unknown>(
  options: OpenOptions<V> & { keyEncoding?: 'utf8' },
  use: (store: Store<string, V>) => Promise<void>,
): Promise<void> {
  const store = await open<V>('test', { host: 'inline', storage: 'memory', wasmModule: await wasmModule(), ...options })
  try {
    await use(store)
  } finally {
    await store.close()
  }
}

/** Counts the bytes of all frames that arrive from the engine from now on. */
export function countArriving(client: Client): () => number {
  let arrived = 0
  const receive = client.receive.bind(client)
  client.receive = (frame, onLoan) => {
    arrived += frame.length
    receive(frame, onLoan)
  }
  return () => arrived
}

/** What `assert.throws` and `assert.rejects` take: an error of that code, and what its message says. */
export function varveError(code: ErrorCode, message = /(?:)/): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof VarveError, `${String(error)} is no VarveError`)
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    return true
  }
}
