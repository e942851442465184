// Serves the pages of the libraries, each on an origin of its own, <name>.localhost, so that the
// browser keeps and counts their data apart:
//
//	/page.html, /start.html   an empty page that loads page.js or start.js
//	/bench/*                  those, bundled with the library and minified
//	/varve/*                  js/dist, as it is

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { listen } from '../../listen.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const dist = new URL('../../../js/dist/', import.meta.url)
const sqliteWasm = createRequire(import.meta.url).resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')

const TYPES = { '.js': 'text/javascript; charset=utf-8', '.wasm': 'application/wasm', '.html': 'text/html' }

const HEADERS = {
  // A page that loads twice should find its library in the cache, as a user's would.
  'Cache-Control': 'max-age=3600',
  // Clocks are finer for pages that are isolated from others.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/**
 * Starts the server, which ends with `t`. `requested` gets the bytes of all that a page fetched.
 *
 * @param {string[]} peers the names of adapters
 * @param {(peer: string, path: string, body: Uint8Array) => void} requested
 * @returns {Promise<(peer: string, store: string, path: string) => string>} the URL of a library's page
 */
export async function serve(t, peers, requested = () => undefined) {
  const bundles = Object.fromEntries(await Promise.all(peers.map(async (peer) => [peer, await bundle(peer)])))
  const port = await listen(t, async (request, response) => {
    const { pathname, hostname } = new URL(request.url, `http://${request.headers.host}`)
    const peer = peers.find((name) => hostname === `${name}.localhost` || hostname.endsWith(`-${name}.localhost`))
    try {
      const body = await content(pathname, bundles[peer])
      response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES[extname(pathname)] ?? 'application/octet-stream' })
      response.end(body)
      requested(peer, pathname, body)
    } catch (error) {
      response.writeHead(404)
      response.end(String(error))
    }
  })
  return (peer, store, path) => `http://${store}-${peer}.localhost:${port}/${path}`
}

async function content(path, bundle) {
  const name = basename(path)
  switch (path.slice(0, -name.length)) {
    case '/':
      if (extname(name) !== '.html') break
      return Buffer.from(`<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,">
        <script type="module" src="/bench/${basename(name, '.html')}.js"></script>`)
    case '/bench/':
      if (name === 'sqlite3.wasm') return readFile(sqliteWasm)
      if (name === 'metered-worker.js' || name === 'meter.js') return readFile(here + name)
      if (bundle?.has(name)) return bundle.get(name)
      break
    case '/varve/':
      return readFile(new URL(name, dist))
  }
  throw new Error(`no ${path}`)
}

/** The scripts of a library's pages, by name. */
async function bundle(peer) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: ['page.js', 'start.js', ...(peer === 'sqlite' ? ['adapters/sqlite-worker.js'] : [])],
    entryNames: '[name]',
    alias: { peer: `./adapters/${peer}.js` },
    external: ['/varve/*'],
    outdir: '/',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  return new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]))
}
