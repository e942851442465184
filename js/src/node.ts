// Pages don't load this, and it imports types alone, lest the bundle be cut up for it. Node's modules
// are not imported either, so that bundlers find nothing to complain about.

import type { ErrorCode } from './errors.js'
import type { UntypedOptions } from './options.js'

/** Of Node's module fs what is used here. */
interface NodeFS {
  promises: { readFile(url: URL): Promise<Uint8Array<ArrayBuffer>> }
}

const { process } = globalThis as { process?: { platform?: string; getBuiltinModule?(name: string): unknown } }
const fs = process?.getBuiltinModule?.('node:fs') as NodeFS | undefined

/** Why a store can't be in a directory; undefined if it can. @internal */
export function problem({ dir, host, storage }: UntypedOptions): [code: ErrorCode, message: string] | undefined {
  if (typeof dir !== 'string' || dir === '' || storage !== undefined || host !== 'inline') {
    return ['INVALID_ARGUMENT', "dir is the path of a directory; it goes with host 'inline', and without storage."]
  }
  if (fs && process?.platform !== 'win32') return undefined
  return ['UNSUPPORTED', "A store can't be in a directory here: that takes Node 20.16 or later, on Linux or macOS."]
}

/** Compiles a file, which Node does not fetch. @internal */
export async function compileFile(url: string): Promise<WebAssembly.Module> {
  if (!fs) throw new Error(`${url} can't be read here: that takes Node 20.16 or later.`)
  return WebAssembly.compile(await fs.promises.readFile(new URL(url)))
}
