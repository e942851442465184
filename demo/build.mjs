// Builds the playground into dist/: the page and its service worker under their own names, and
// everything else in assets/ under names that carry a hash of the content, so that it may be cached
// for good.

import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { compress } from './compress.mjs'
import { placesFile } from './places-file.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const dist = join(here, 'dist')
const assets = join(dist, 'assets')

/** The names of what this build has in assets/. */
const made = new Set()

await mkdir(assets, { recursive: true })

const places = placesFile()
const urls = {
  PLACES_URL: await asset('places.tsv', places.text),
  WORKER_URL: await bundle('varve/worker'),
  STYLE_URL: await bundle('./src/style.css'),
  ICON_URL: await asset('icon.svg', await readFile(join(here, 'src/icon.svg'))),
}
urls.MAIN_URL = await bundle('./src/main.ts', {
  PLACES_URL: urls.PLACES_URL,
  PLACES_COUNT: places.count,
  WORKER_URL: urls.WORKER_URL,
})

const page = await readFile(join(here, 'src/index.html'), 'utf8')
const filled = page.replace(/\b[A-Z]+_URL\b/g, (name) => urls[name])
await writeFile(join(dist, 'index.html'), filled)
urls.PAGE_URL = await asset('index.html', filled) // so that what is kept for later is of this very build
await bundleServiceWorker()

for (const name of ['index.html', 'service-worker.js']) await compress(join(dist, name), { hashed: false })
await Promise.all([...made].map((name) => compress(join(assets, name), {
  hashed: true,
  quality: name.endsWith('.tsv') ? 7 : 11, // the places would take twice as long as all else, for a seventh
})))
await removeOthers()

/** Bundles an entry point into assets/ and returns the URL of the result. */
async function bundle(entry, define = {}) {
  const result = await build({
    ...settings(entry, define),
    outdir: assets,
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    publicPath: '/assets',
    format: 'esm',
    metafile: true,
    loader: { '.wasm': 'file' },
  })
  const { outputs } = result.metafile
  for (const output of Object.keys(outputs)) made.add(basename(output))
  const output = Object.keys(outputs).find((o) => outputs[o].entryPoint)
  return `/assets/${basename(output)}`
}

/** Bundles the service worker, which knows the files that the page needs. */
async function bundleServiceWorker() {
  const FILES = [...made].map((name) => `/assets/${name}`).filter((url) => url !== urls.PLACES_URL).sort()
  const define = { BUILD: hashOf(FILES.join()), PAGE_URL: urls.PAGE_URL, FILES }
  await build({
    ...settings('./offline/service-worker.ts', define),
    outfile: join(dist, 'service-worker.js'),
    format: 'iife',
  })
}

function settings(entry, define) {
  return {
    entryPoints: [entry],
    absWorkingDir: here,
    bundle: true,
    minify: true,
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning',
    define: Object.fromEntries(Object.entries(define).map(([k, v]) => [k, JSON.stringify(v)])),
  }
}

function hashOf(content) {
  return createHash('sha256').update(content).digest('hex').slice(0, 8)
}

/** Writes a file into assets/ and returns its URL. */
async function asset(name, content) {
  const hash = hashOf(content)
  const hashed = name.replace(/\.(\w+)$/, `-${hash}.$1`)
  await writeFile(join(assets, hashed), content)
  made.add(hashed)
  return `/assets/${hashed}`
}

/** Removes what earlier builds have left in assets/. */
async function removeOthers() {
  for (const name of await readdir(assets)) {
    if (!made.has(name.replace(/\.(br|gz)$/, ''))) await rm(join(assets, name))
  }
}
