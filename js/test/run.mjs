// Bundles each test with what it tests, and runs them with Node's own runner.

import { spawnSync } from 'node:child_process'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { goGlue } from '../go-glue.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const out = join(here, '../node_modules/.cache/test')
const tests = (await readdir(here)).filter((name) => name.endsWith('.test.ts'))

await rm(out, { recursive: true, force: true })
await build({
  absWorkingDir: here,
  entryPoints: tests,
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'es2022',
  sourcemap: 'inline',
  logLevel: 'warning',
  // CommonJS, which Node loads by itself.
  external: ['abstract-level', 'tape'],
  plugins: [goGlue()],
})
const files = tests.map((name) => join(out, name.replace(/ts$/, 'mjs')))
const { status } = spawnSync(process.execPath, ['--enable-source-maps', '--expose-gc', '--test', ...files], {
  stdio: 'inherit',
  cwd: join(here, '..'),
})
process.exitCode = status ?? 1
