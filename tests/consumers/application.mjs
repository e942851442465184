// An application of its own, somewhere else, into which the package was installed as npm packs it.

import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const app = fileURLToPath(new URL('app/', import.meta.url))
const varve = fileURLToPath(new URL('../../js/', import.meta.url))

/** Packs the package, and returns the path of the tarball in folder. */
export function pack(folder) {
  const options = { cwd: varve, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
  const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', folder], options))
  return join(folder, filename)
}

/** Makes the application; it is removed when the test ends. */
export async function newApplication(t, tarball) {
  const root = await newFolder()
  t.after(() => rm(root, { recursive: true, force: true }))
  await cp(app, root, { recursive: true })
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  const installed = join(root, 'node_modules/varve')
  await mkdir(installed, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed])
  return root
}

export function newFolder() {
  return mkdtemp(join(tmpdir(), 'varve-consumer-'))
}

/** What the README asks users of esbuild and Rollup to do. */
export async function copyWorkerAndWasm(root, out) {
  for (const name of ['worker.js', 'varve.wasm']) await cp(join(root, 'node_modules/varve/dist', name), join(out, name))
}

/** Puts the page beside the bundle that it loads, perhaps with an import map. */
export async function addPage(root, out, importMap) {
  const page = await readFile(join(root, 'index.html'), 'utf8')
  const script = importMap ? `<script type="importmap">${JSON.stringify(importMap)}</script>` : ''
  await writeFile(join(out, 'index.html'), page.replace('<!-- import map -->', script))
}
