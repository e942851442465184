// Compresses what is served: each file once, beside it.

import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const brotli = (content, quality) => promisify(brotliCompress)(content, {
  params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_LGWIN]: 24 },
})

/**
 * Writes `path.br` and `path.gz`. Of a file that carries a hash of its content in its name, those
 * of an earlier build are kept: the engine takes six seconds.
 */
export async function compress(path, { hashed, quality = 11 }) {
  if (hashed && await isCurrent(`${path}.br`) && await isCurrent(`${path}.gz`)) return
  const content = await readFile(path)
  await Promise.all([
    brotli(content, quality).then((bytes) => writeWhole(`${path}.br`, bytes)),
    promisify(gzip)(content, { level: 6 }).then((bytes) => writeWhole(`${path}.gz`, bytes)),
  ])
}

/** Whether a file is there, and not older than how it is made. */
async function isCurrent(path) {
  const [made, how] = await Promise.all([
    stat(path).catch(() => undefined),
    stat(fileURLToPath(import.meta.url)),
  ])
  return made !== undefined && made.mtimeMs >= how.mtimeMs
}

/** A build that is interrupted leaves no half of a file under its name. */
async function writeWhole(path, bytes) {
  await writeFile(`${path}.part`, bytes)
  await rename(`${path}.part`, path)
}
