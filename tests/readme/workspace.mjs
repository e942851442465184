// Where blocks are compiled: a folder of its own, in which the package is installed by a link.

import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('../../', import.meta.url))

const js = join(repository, 'js')

/** What each kind of block knows besides the language and the page. */
const KINDS = {
  '': {},
  worker: {},
  level: { types: ['node'] }, // abstract-level's own types need them
  vite: { files: [join(repository, 'tests/consumers/node_modules/vite/client.d.ts')] },
  node: { types: ['node'] },
}

/** A new folder, removed when the tests end. */
export async function newWorkspace(after) {
  const folder = await mkdtemp(join(tmpdir(), 'varve-readme-'))
  after(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'node_modules'))
  await symlink(js, join(folder, 'node_modules/varve'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  return folder
}

/**
 * Checks the types of blocks, strictly.
 *
 * @returns {Promise<string>} what the compiler says; nothing if all is well
 */
export async function typeErrors(folder, blocks) {
  let said = ''
  for (const [kind, { files = [], types = [] }] of Object.entries(KINDS)) {
    const project = join(folder, `types-${kind}`)
    await mkdir(project)
    const names = []
    for (const block of blocks.filter((block) => block.kind === kind)) {
      const name = join(project, `${block.where.replaceAll(/\W/g, '-')}.ts`)
      await writeFile(name, block.code)
      names.push(name)
    }
    if (names.length === 0) continue
    const compilerOptions = {
      strict: true,
      target: 'ES2022',
      module: 'ESNext',
      moduleResolution: 'bundler',
      noEmit: true,
      lib: ['ES2022', 'DOM', 'DOM.Iterable'],
      types,
      typeRoots: [join(js, 'node_modules/@types')],
    }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [...names, ...files] }))
    const tsc = spawnSync(process.execPath, [join(js, 'node_modules/typescript/bin/tsc'), '-p', project], { encoding: 'utf8' })
    if (tsc.status !== 0) said += tsc.stdout + tsc.stderr
  }
  return said
}

export function unknownKind({ where, kind }) {
  return Object.hasOwn(KINDS, kind) ? undefined : `${where}: blocks of the kind "${kind}" can't be run`
}
