// Serves the built playground. Run by itself it listens on $PORT, or 8080.

import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'

const dist = fileURLToPath(new URL('dist', import.meta.url))

const SECURITY = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** TypeDoc's scripts write style attributes. */
const REFERENCE_POLICY = SECURITY['Content-Security-Policy'].replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

/**
 * Serves a folder on a port of this machine; port 0 means any that is free.
 * Assets carry a hash in their names and are cached for good, pages are always asked for anew.
 *
 * @param {{ port?: number, folder?: string }} [options]
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function serve({ port = 0, folder = dist } = {}) {
  const files = sirv(folder, {
    brotli: true,
    gzip: true,
    etag: true,
    setHeaders(response, path) {
      const cache = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
      response.setHeader('Cache-Control', cache)
      for (const [name, value] of Object.entries(SECURITY)) response.setHeader(name, value)
      if (path.startsWith('/reference/')) response.setHeader('Content-Security-Policy', REFERENCE_POLICY)
    },
  })
  const server = createServer((request, response) => {
    files(request, response, () => {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' })
      response.end('not found\n')
    })
  })
  await new Promise((listening, failed) => {
    server.once('error', failed)
    server.listen(port, '127.0.0.1', listening)
  })
  return {
    url: `http://localhost:${server.address().port}/`,
    close: () => new Promise((closed) => {
      server.close(closed)
      server.closeAllConnections()
    }),
  }
}

async function main() {
  const port = Number(process.env.PORT ?? 8080)
  if (!existsSync(dist)) {
    throw new Error('There is nothing to serve yet: build it with `make demo`.')
  }
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`PORT must be a number from 0 to 65535, not "${process.env.PORT}".`)
  }
  const { url } = await serve({ port }).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new Error(`Port ${port} is taken by another program. Choose one: PORT=${port + 1} make demo`)
  })
  console.log(`The playground is at ${url}  (Ctrl-C ends it)`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
