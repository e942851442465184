// Serves a folder's files, and nothing else.

import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { listen } from '../listen.mjs'

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }

/** @returns {Promise<string>} the address of its index.html */
export async function serve(t, folder) {
  const port = await listen(t, async ({ url }, response) => {
    const path = normalize(new URL(url, 'http://localhost').pathname.replace(/\/$/, '/index.html'))
    try {
      const body = await readFile(join(folder, path))
      response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream' }).end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  return `http://localhost:${port}/`
}
