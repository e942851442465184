// Builds the package into dist/: index.js and level.js with what they share and load for the
// inline host, worker.js as one file, and the types. The wasm files are built by `make wasm`.

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
  if (!name.endsWith('.wasm')) await rm(join(dist, name), { recursive: true })
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
  build({
    ...options,
    entryPoints: { index: 'src/index.ts', level: 'src/level/index.ts' },
    external: ['abstract-level'],
    splitting: true,
    chunkNames: '[name]-[hash]',
  }),
  build({ ...options, entryPoints: ['src/worker.ts'] }),
])
for (const project of ['.', 'src/level']) {
  execFileSync(process.execPath, [join(here, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: here, stdio: 'inherit' })
}

// The engine and worker.js contain parts of Go.
await writeFile(join(dist, 'LICENSE.go.txt'), await readFile(join(goRoot(), 'LICENSE')))
