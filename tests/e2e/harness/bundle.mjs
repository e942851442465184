// Bundles a page's module with the packages that it uses, and with the built varve, as an
// application does.

import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** @returns {Promise<Uint8Array>} the script of pages/<name> */
export async function bundle(name) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`e2e/pages/${name}`],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    sourcemap: 'inline',
    logLevel: 'warning',
    // What abstract-level and tape take from Node.
    alias: { events: 'events', path: 'path-browserify', stream: 'readable-stream' },
    inject: ['e2e/harness/node-globals.js'],
    define: { __dirname: '"/"' },
  })
  return outputFiles[0].contents
}
