// Adapts wasm_exec.js, the glue that Go ships for its WebAssembly programs, as the module
// "varve:go". Go's file defines globals: here it keeps them to itself, so that the page of an
// inline engine gets no `Go`, `fs`, `path` or `process` that other libraries would stumble over.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export function goRoot() {
  return execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim()
}

/** What the Go program and its glue see as the global object. In Node, they get its own modules. */
const prelude = `
let Go
const node = globalThis.process?.getBuiltinModule ? globalThis.process : undefined
const own = { fs: node?.getBuiltinModule('node:fs'), path: undefined, process: node }
const scope = new Proxy(globalThis, {
  get: (target, name) => name in own ? own[name] : Reflect.get(target, name),
  set: (_, name, value) => {
    if (!(name in own)) return false
    own[name] = value
    return true
  },
})
`

/** Each text with what replaces it, and how often it is there. */
const replacements = [
  ['globalThis.fs', 'scope.fs', 2],
  ['globalThis.process', 'scope.process', 2],
  ['globalThis.path', 'scope.path', 2],
  ['\tfs.writeSync(', '\tscope.fs.writeSync(', 1],
  ['globalThis.Go = class', 'Go = class', 1],
  ['\t\t\t\tglobalThis,\n', '\t\t\t\tscope,\n', 1],
  ['[globalThis, 5]', '[scope, 5]', 1],
  ['console.log(outputBuf', 'console.error(outputBuf', 1],
  // Go asks for its event whenever it is resumed. Where there is none, to decode the name would cost
  // as much as the rest of a wake-up.
  [
    '= Reflect.get(loadValue(sp + 8), loadString(sp + 16))',
    '= loadValue(sp + 8) === this && !this._pendingEvent ? null : Reflect.get(loadValue(sp + 8), loadString(sp + 16))',
    1,
  ],
  // Whatever loads this has what is looked for, sets "exit", and has no use for Go's own tests, nor for
  // a warning each time that a timer is early.
  ['console.warn("scheduleTimeoutEvent: missed timeout event");', '', 1],
  [/\n\tif \(!globalThis\.\w+\) \{\n\t\tthrow .*\n\t\}\n/, '', 4],
  [/\n\t\t\tthis\.exit = [^]*?\n\t\t\t\};/, '', 1],
  [/\n\t\t\tconst testCallExport = [^]*?\n\t\t\t\}\n/, '', 1],
  [/\n\t\t\t\t_gotest: \{[^]*?\n\t\t\t\t\},/, '', 1],
  // A page downloads this, though the command line is always one word.
  ['total length of command line and environment variables exceeds limit', 'argv', 1],
  ['// Copyright', '/*! Copyright', 1],
  ['\n\n"use strict";', ' */\n"use strict";', 1],
]

export function adaptGlue(source) {
  for (const [from, to, count] of replacements) {
    const parts = source.split(from)
    if (parts.length !== count + 1) {
      throw new Error(`wasm_exec.js has ${JSON.stringify(String(from))} ${parts.length - 1} times, ${count} expected: adapt go-glue.mjs to this version of Go`)
    }
    source = parts.join(to)
  }
  return `${prelude}\n${source}\nexport { Go }\n`
}

/** An esbuild plugin that resolves "varve:go". */
export function goGlue() {
  return {
    name: 'varve:go',
    setup(build) {
      build.onResolve({ filter: /^varve:go$/ }, () => ({ path: 'wasm_exec.js', namespace: 'go' }))
      build.onLoad({ filter: /.*/, namespace: 'go' }, () => ({
        contents: adaptGlue(readFileSync(join(goRoot(), 'lib/wasm/wasm_exec.js'), 'utf8')),
      }))
    },
  }
}
