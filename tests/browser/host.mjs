// Runs Go test binaries of vfs/idbfs in a worker whose host carries out the hot paths, as that
// of the package does.

import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launch, openPage } from '../e2e/harness/browser.mjs'
import { listen } from '../listen.mjs'
import { goGlue } from '../../js/go-glue.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { build } = createRequire(new URL('../../js/package.json', import.meta.url))('esbuild')

/**
 * Builds the tests of vfs/idbfs, and opens a page that runs them. The script of that URL, if one is
 * given, is loaded beside them, as /beside.js.
 *
 * @returns {Promise<{ page: import('playwright-core').Page, run(args: string[]): Promise<string> }>}
 *   run gives what the tests have printed, and fails as they do
 */
export async function hostPage(t, beside) {
  const work = await mkdtemp(join(tmpdir(), 'varve-hosttest-'))
  t.after(() => rm(work, { recursive: true }))
  const wasm = join(work, 'idbfs.wasm')
  const go = (args, env = {}) => execFileSync('go', args, { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' })
  go(['test', '-c', '-tags=varve_host', '-ldflags=-s -w', '-o', wasm, './vfs/idbfs'], { GOOS: 'js', GOARCH: 'wasm' })
  go(['run', './wasm/slim', wasm]) // as the package's engine is
  const url = await serve(t, {
    '/': ['text/html', '<!doctype html><link rel="icon" href="data:,">'],
    '/worker.js': ['text/javascript', await bundle(new URL('host-worker.ts', import.meta.url))],
    '/idbfs.wasm': ['application/wasm', await readFile(wasm)],
    '/beside.js': ['text/javascript', beside ? await bundle(beside) : ''],
  })
  const { context } = await launch(t)
  const page = await openPage(t, context, url)
  return {
    page,
    async run(args) {
      const { code, printed } = await page.evaluate((args) => new Promise((resolve, reject) => {
        const worker = new Worker('/worker.js', { type: 'module' })
        worker.onmessage = ({ data }) => {
          worker.terminate()
          resolve(data)
        }
        worker.onerror = ({ message }) => reject(new Error(message))
        worker.postMessage(args)
      }), args)
      if (code !== 0) throw new Error(`the tests ended with exit code ${code}:\n${printed}`)
      return printed
    },
  }
}

async function bundle(url) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(url)],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    plugins: [goGlue()],
    write: false,
  })
  return outputFiles[0].text
}

async function serve(t, files) {
  const port = await listen(t, (request, response) => {
    const [type, body] = files[request.url] ?? ['text/plain', '']
    response.writeHead(files[request.url] ? 200 : 404, { 'Content-Type': type }).end(body)
  })
  return `http://localhost:${port}/`
}
