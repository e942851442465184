import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import test from 'node:test'
import { brotliCompressSync, constants } from 'node:zlib'

// A little above what there is: whoever adds weight has to change them, and say why.
const MOST_SCRIPT = 15.3
const MOST_ENGINE = 605

/** The size in KB of files of the built package as a good server sends them. */
function compressed(...files: string[]): number {
  const sizes = files.map((file) => {
    const content = readFileSync(`dist/${file}`)
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 }
    return brotliCompressSync(content, { params }).length
  })
  return sizes.reduce((a, b) => a + b) / 1000
}

const chunks = readdirSync('dist').filter((name) => name.endsWith('.js'))
const shared = chunks.filter((name) => name.startsWith('index') || name.startsWith('chunk'))

for (const [host, script] of [['worker', 'worker.js'], ['inline', chunks.find((name) => name.startsWith('host-'))!]] as const) {
  test(`the scripts that a page loads are small (${host})`, () => {
    const size = compressed(...shared, script)
    assert.ok(size <= MOST_SCRIPT, `${size.toFixed(1)} KB, ${MOST_SCRIPT} at most`)
  })
}

test('the engine is no larger than it was', () => {
  const size = compressed('varve.wasm')
  assert.ok(size <= MOST_ENGINE, `${size.toFixed(1)} KB, ${MOST_ENGINE} at most`)
})
