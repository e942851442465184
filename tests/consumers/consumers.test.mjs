// The package as a user gets it: packed, installed, and built by each bundler without any
// configuration that its README does not name.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import nodeResolve from '@rollup/plugin-node-resolve'
import * as esbuild from 'esbuild'
import { rollup } from 'rollup'
import * as vite from 'vite'
import webpack from 'webpack'
import { launch, openPage } from '../e2e/harness/browser.mjs'
import { addPage, copyWorkerAndWasm, newApplication, newFolder, pack } from './application.mjs'
import { serve } from './static.mjs'

const folder = await newFolder()
after(() => rm(folder, { recursive: true }))
const tarball = pack(folder)

/** Each builds the application at root, and returns the folder or the address to open. */
const BUILDS = {
  async 'no bundler'(t, root) {
    await addPage(root, root, { imports: { varve: './node_modules/varve/dist/index.js' } })
    return serve(t, root)
  },

  async 'vite build'(t, root) {
    await vite.build({ root, logLevel: 'error', configFile: false })
    return serve(t, join(root, 'dist'))
  },

  async 'vite dev'(t, root) {
    const server = await vite.createServer({ root, logLevel: 'error', configFile: false, server: { port: 0, host: '127.0.0.1' } })
    t.after(() => server.close())
    await server.listen()
    return `http://localhost:${server.httpServer.address().port}/`
  },

  async webpack(t, root) {
    const compiler = webpack({ mode: 'production', context: root, entry: './main.js', output: { path: join(root, 'out') }, performance: false })
    const stats = await promisify(compiler.run.bind(compiler))()
    assert.ok(!stats.hasErrors() && !stats.hasWarnings(), stats.toString('errors-warnings'))
    await addPage(root, join(root, 'out'))
    return serve(t, join(root, 'out'))
  },

  async esbuild(t, root) {
    const out = join(root, 'out')
    await esbuild.build({ absWorkingDir: root, entryPoints: ['main.js'], bundle: true, format: 'esm', outdir: out, logLevel: 'warning' })
    await copyWorkerAndWasm(root, out)
    await addPage(root, out)
    return serve(t, out)
  },

  async rollup(t, root) {
    const out = join(root, 'out')
    const bundle = await rollup({ input: join(root, 'main.js'), plugins: [nodeResolve()] })
    await bundle.write({ dir: out, format: 'es' })
    await copyWorkerAndWasm(root, out)
    await addPage(root, out)
    return serve(t, out)
  },
}

test('the packed package runs as each bundler builds it', async (t) => {
  const { context } = await launch(t)
  for (const [bundler, build] of Object.entries(BUILDS)) {
    await t.test(bundler, async (t) => {
      const page = await openPage(t, context, await build(t, await newApplication(t, tarball)))
      await page.waitForFunction(() => 'outcome' in globalThis)
      const outcome = await page.evaluate(() => globalThis.outcome)
      assert.deepEqual(outcome, [['key', 'worker'], ['key', 'inline'], 'by-inline', 'by-worker'])
      await page.close()
    })
  }
})

test('its types say what is stored and given back', async (t) => {
  const root = await newApplication(t, tarball)
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(typescript, '../bin/tsc')
  for (const moduleResolution of ['bundler', 'nodenext']) {
    const module = moduleResolution === 'bundler' ? 'esnext' : 'nodenext'
    const flags = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--types', '', '--target', 'es2022', '--lib', 'es2022,dom']
    try {
      execFileSync(process.execPath, [tsc, ...flags, '--module', module, '--moduleResolution', moduleResolution, 'types.ts'], { cwd: root })
    } catch (error) {
      assert.fail(`${moduleResolution}:\n${error.stdout}`)
    }
  }
})

test('importing it on a server does nothing, and opening fails with UNSUPPORTED', async (t) => {
  const root = await newApplication(t, tarball)
  const script = "const { open } = await import('varve'); await open('s').catch((error) => console.log(error.code))"
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' })
  assert.equal(said, 'UNSUPPORTED\n')
})

test('in Node it keeps stores in memory and in directories, whose files are LevelDB’s', async (t) => {
  const root = await newApplication(t, tarball)
  const run = (...args) => execFileSync(args[0], args.slice(1), { cwd: root, encoding: 'utf8' })
  await cp(fileURLToPath(new URL('node.mjs', import.meta.url)), join(root, 'node.mjs'))
  assert.equal(run(process.execPath, 'node.mjs'), 'memory: a=1 b=2\ndirectory: a=1 b=2\narchive: a=1 b=2\n')

  // What the command line tool makes of the directory and of the archive, when tar has unpacked it.
  const varve = join(root, 'varve')
  execFileSync('go', ['build', '-o', varve, './engine/cmd/varve'], { cwd: fileURLToPath(new URL('../..', import.meta.url)) })
  run('mkdir', 'unpacked')
  run('tar', '-xf', 'store.tar', '-C', 'unpacked')
  for (const directory of ['data', 'unpacked']) {
    assert.equal(run(varve, 'scan', directory), 'a\t1\nb\t2\n')
    run(varve, 'verify', directory)
  }

  // And the reverse, by the archive that tar makes of a directory.
  run('tar', '-cf', 'made-by-tar.tar', '-C', 'data', '.')
  const read = "const { open } = await import('varve'); const from = await (await import('node:fs/promises')).readFile('made-by-tar.tar');" +
    "const store = await open('s', { host: 'inline', storage: 'memory', valueEncoding: 'utf8', from }); console.log(await store.scan().toArray())"
  assert.equal(run(process.execPath, '--input-type=module', '-e', read), "[ [ 'a', '1' ], [ 'b', '2' ] ]\n")
})

test('a directory that is open in Node is locked for the command line tool, and the reverse', async (t) => {
  const root = await newApplication(t, tarball)
  const varve = join(root, 'varve')
  execFileSync('go', ['build', '-o', varve, './engine/cmd/varve'], { cwd: fileURLToPath(new URL('../..', import.meta.url)) })
  const script = `const { open } = await import('varve'); const { spawnSync } = await import('node:child_process');
    const store = await open('s', { host: 'inline', dir: 'data' }); await store.put('a', 1);
    const { status, stderr } = spawnSync(${JSON.stringify(varve)}, ['put', 'data', 'b', '2'], { encoding: 'utf8' });
    console.log(status !== 0, /lock/.test(stderr)); await store.close()`
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' }), 'true true\n')
  const tool = spawn(varve, ['import', 'data', '-'], { cwd: root, stdio: ['pipe', 'ignore', 'inherit'] })
  t.after(() => tool.kill())
  // More than a pipe holds: when all of it is written, the tool reads, and has opened the store.
  const read = promisify(tool.stdin.write.bind(tool.stdin))(`b\t${'x'.repeat(1 << 20)}\n`).then(() => 'reads')
  assert.equal(await Promise.race([read, once(tool, 'exit').then(() => 'ended')]), 'reads')
  const tryOpen = "const { open } = await import('varve'); await open('s', { host: 'inline', dir: 'data' }).then((s) => s.close(), (error) => console.log(error.code))"
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '-e', tryOpen], { cwd: root, encoding: 'utf8' }), 'LOCKED\n')
  tool.stdin.end()
})
