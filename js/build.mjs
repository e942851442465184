// Builds the package into dist/: index.js with what it loads for the inline host, worker.js as
// one file, and the types. varve.wasm is built by `make wasm`.

import { execFileSync } from 'node:child_process'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { goGlue, goRoot } from './go-glue.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const dist = join(here, 'dist')

await mkdir(dist, { recursive: true })
for (const name of await readdir(dist)) {
  if (name !== 'varve.wasm') await rm(join(dist, name), { recursive: true })
}

const options = {
  absWorkingDir: here,
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  sourcemap: true,
  legalComments: 'inline',
  logLevel: 'warning',
  plugins: [goGlue()],
}
await Promise.all([
  build({ ...options, entryPoints: ['src/index.ts'], splitting: true, chunkNames: '[name]-[hash]' }),
  build({ ...options, entryPoints: ['src/worker.ts'] }),
])
execFileSync(process.execPath, [join(here, 'node_modules/typescript/bin/tsc')], { cwd: here, stdio: 'inherit' })

// The engine and worker.js contain parts of Go.
await writeFile(join(dist, 'LICENSE.go.txt'), await readFile(join(goRoot(), 'LICENSE')))
