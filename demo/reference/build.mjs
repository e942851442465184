// Builds the API reference into ../dist/reference/. It has a TypeScript of its own: TypeDoc does
// not know the native one that compiles the package.

import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application } from 'typedoc'

const out = fileURLToPath(new URL('../dist/reference', import.meta.url))
const sources = fileURLToPath(new URL('../../js/src', import.meta.url))

const app = await Application.bootstrap({
  name: 'varve',
  entryPoints: [join(sources, 'index.ts'), join(sources, 'level/index.ts')],
  tsconfig: fileURLToPath(new URL('tsconfig.json', import.meta.url)),
  readme: fileURLToPath(new URL('../../js/README.md', import.meta.url)),
  customCss: fileURLToPath(new URL('reference.css', import.meta.url)),
  favicon: fileURLToPath(new URL('../src/icon.svg', import.meta.url)),
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  disableSources: true,
  hideGenerator: true,
  navigationLinks: { Playground: '/' },
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Function', 'Method', 'Accessor'],
  intentionallyNotDocumented: ['put', 'del', 'batch', 'clear'].map((name) => `varve/level.VarveLevel.${name}`), // the interface says it
  logLevel: 'Warn',
})
const project = await app.convert()
if (!project) process.exit(1)
const [opening] = project.readme
opening.text = opening.text.replace(/^# .*\n/, '') // the page has a title already
app.validate(project)
await app.generateDocs(project, out)
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)

// It chooses the theme before the page is shown, which main.js does again. The site's
// Content-Security-Policy allows no such script.
const INLINE_SCRIPT = /<script>document\.documentElement\.dataset\.theme.*?<\/script>/s

for (const name of await readdir(out, { recursive: true })) {
  if (!name.endsWith('.html')) continue
  const path = join(out, name)
  const page = await readFile(path, 'utf8')
  if (!INLINE_SCRIPT.test(page)) throw new Error(`${name} has not the script that is to be removed`)
  await writeFile(path, page.replace(INLINE_SCRIPT, ''))
}
