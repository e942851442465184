// Every code block of the two READMEs is compiled as it stands, and run; what it says about its
// results has to be so.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import * as esbuild from 'esbuild'
import { pack } from '../consumers/application.mjs'
import { serve } from '../consumers/static.mjs'
import { launch, openPage } from '../e2e/harness/browser.mjs'
import { blocksOf, checked, checkedScript, isChecked, printed } from './blocks.mjs'
import { newWorkspace, repository, typeErrors, unknownKind } from './workspace.mjs'

const blocks = [
  ...(await blocksOf(new URL('../../README.md', import.meta.url), 'README.md')),
  ...(await blocksOf(new URL('../../js/README.md', import.meta.url), 'js/README.md')),
]
const modules = blocks.filter(({ language }) => language === 'ts')
const workspace = await newWorkspace(after)
const options = { absWorkingDir: workspace, bundle: true, format: 'esm', target: 'es2022', logLevel: 'warning' }

/** Each makes the folder of a page that runs the block. */
const PAGES = {
  '': bundlePage,
  level: bundlePage,
  worker: bundleWorker,
  vite: buildWithVite,
}

test('every block has a language that is checked, and says something about its results', () => {
  for (const block of blocks) {
    assert.ok(['ts', 'sh', 'go'].includes(block.language), `${block.where}: blocks in ${block.language} can't be run`)
    if (block.language === 'ts') assert.equal(unknownKind(block), undefined)
    if (block.language !== 'sh') assert.ok(isChecked(block), `${block.where} says nothing about its results`)
  }
})

test('the TypeScript compiles under strict', async () => {
  assert.equal(await typeErrors(workspace, modules), '')
})

test('the TypeScript for browsers runs in one', async (t) => {
  const { context } = await launch(t)
  await context.route('**/api/**', (route) => route.fulfill({ status: 204 }))
  for (const block of modules.filter(({ kind }) => kind in PAGES)) {
    await t.test(block.where, async (t) => {
      const folder = await mkdtemp(join(workspace, 'page-'))
      const url = await serve(t, (await PAGES[block.kind](block, folder)) ?? folder)
      const page = await openPage(t, context, `${url}blank.html`)
      const failed = new Promise((_, reject) => page.once('pageerror', reject))
      failed.catch(() => undefined)
      await page.goto(url)
      await Promise.race([page.waitForFunction(() => 'outcome' in globalThis), failed])
      assert.deepEqual(await page.evaluate(() => globalThis.outcome), [])
    })
  }
})

test('the TypeScript for Node runs in it', async (t) => {
  for (const block of modules.filter(({ kind }) => kind === 'node')) {
    await t.test(block.where, async () => {
      const folder = await mkdtemp(join(workspace, 'node-'))
      await writeFile(join(folder, 'main.ts'), checked(block))
      const outfile = join(folder, 'main.mjs')
      await esbuild.build({ ...options, entryPoints: [join(folder, 'main.ts')], platform: 'node', external: ['varve'], outfile })
      run(process.execPath, ['--test', outfile], folder)
    })
  }
})

test('the shell commands do what they say', async (t) => {
  const tarball = pack(workspace)
  for (const block of blocks.filter(({ language }) => language === 'sh')) {
    await t.test(block.where, async () => {
      const folder = await mkdtemp(join(workspace, 'shell-'))
      await writeFile(join(folder, 'package.json'), '{}')
      await symlink(join(repository, 'bin'), join(folder, 'bin'))
      run('bash', ['-euo', 'pipefail', '-c', SHELL + checkedScript(block)], folder, { REPOSITORY: repository, TARBALL: tarball })
    })
  }
})

test('the Go programs print what they say', async (t) => {
  for (const block of blocks.filter(({ language }) => language === 'go')) {
    await t.test(block.where, async () => {
      const folder = await mkdtemp(join(workspace, 'go-'))
      await writeFile(join(folder, 'main.go'), block.code)
      run('go', ['vet', join(folder, 'main.go')], repository)
      run('go', ['build', '-o', join(folder, 'main'), join(folder, 'main.go')], repository)
      assert.equal(run(join(folder, 'main'), [], folder), printed(block))
    })
  }
})

/** What is different in the shell: the package comes from here, and of make, only what is short is run. */
const SHELL = `
npm() { command npm --offline --no-fund --no-audit "\${@/#varve/$TARBALL}"; }
make() {
  case $1 in
    cli) command make --no-print-directory -C "$REPOSITORY" cli ;;
    *) command make --dry-run -C "$REPOSITORY" "$@" >/dev/null ;;
  esac
}
prints() {
  local line=$1 expected=$2 actual
  shift 2
  actual=$("$@" | tr -s '[:space:]' ' ' | sed 's/ $//')
  [ "$actual" = "$expected" ] || { echo "line $line prints '$actual', not '$expected'" >&2; return 1; }
}
`

function bundlePage(block, folder) {
  return bundle(block, folder, '<script type="module" src="main.js"></script>')
}

async function bundleWorker(block, folder) {
  await writeFile(join(folder, 'start.js'), START_WORKER)
  return bundle(block, folder, '<script type="module" src="start.js"></script>')
}

/** Builds the block as the README tells users of esbuild to, with a page that starts it. */
async function bundle(block, folder, script) {
  await writeFile(join(folder, 'main.ts'), checked(block))
  await esbuild.build({
    ...options,
    entryPoints: [join(folder, 'main.ts')],
    outfile: join(folder, 'main.js'),
    nodePaths: [join(repository, 'tests/node_modules')],
  })
  for (const name of ['worker.js', 'varve.wasm']) await cp(join(repository, 'js/dist', name), join(folder, name))
  await writePages(folder, script)
}

const START_WORKER = `
const worker = new Worker('main.js', { type: 'module' })
worker.onmessage = ({ data }) => { if (data.wrong) globalThis.outcome = data.wrong }
worker.onerror = ({ message }) => { throw new Error(message) }
`

async function buildWithVite(block, root) {
  const { build } = await import(pathToFileURL(createRequire(join(repository, 'tests/consumers/package.json')).resolve('vite')))
  await mkdir(join(root, 'public'))
  await writeFile(join(root, 'main.ts'), checked(block))
  await writePages(root, '<script type="module" src="/main.ts"></script>')
  await cp(join(root, 'blank.html'), join(root, 'public/blank.html'))
  await build({ root, logLevel: 'error', configFile: false })
  return join(root, 'dist')
}

/** The page that runs the block, and one of the same origin that runs nothing. */
async function writePages(folder, script) {
  const page = (body) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body>${body}`
  await writeFile(join(folder, 'index.html'), page(script))
  await writeFile(join(folder, 'blank.html'), page(''))
}

function run(command, args, cwd, added) {
  const env = { ...process.env, ...added }
  delete env.NODE_TEST_CONTEXT // with it, node --test runs nothing
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', env })
  if (error) throw error
  assert.equal(status, 0, stdout + stderr)
  return stdout
}
