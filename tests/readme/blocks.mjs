// Finds the code blocks of a Markdown file, and turns what they say about their results into
// checks. In a block, a line that ends in a comment of the form
//
//	await store.get('key')          // → 'value'
//	const n = await count()         // → 3
//	console.log(key, value)         // → 'a', 1, 'b', 2
//
// says what it gives, as JavaScript: the third line what it gives in all the turns of its loop.
// In a shell block, `# → text` says what a command prints; in a Go program, every `// → text` says
// a line of what it prints.

import { readFile } from 'node:fs/promises'

/** @typedef {{ where: string, line: number, language: string, kind: string, code: string }} Block */

/** @returns {Promise<Block[]>} the blocks that name a language, with the word behind it as their kind */
export async function blocksOf(url, name) {
  const lines = (await readFile(url, 'utf8')).split('\n')
  const blocks = []
  let block
  lines.forEach((text, i) => {
    const fence = /^```(\w*) ?(\w*)$/.exec(text)
    if (!fence) {
      if (block) block.code += `${text}\n`
    } else if (block) {
      if (block.language) blocks.push(block)
      block = undefined
    } else {
      block = { where: `${name}:${i + 1}`, line: i + 2, language: fence[1], kind: fence[2], code: '' }
    }
  })
  return blocks
}

const RESULT = /^(?<code>.*?\S)\s*\/\/ → (?<expected>.+)$/

/** The block as a module that checks what it says, and then reports through checks.js. */
export function checked({ code, line, where }) {
  const expected = []
  const lines = code.split('\n').map((text, i) => {
    const result = RESULT.exec(text)
    if (!result) return text
    expected.push(`${line + i}: () => [${result.groups.expected}]`)
    return recorded(result.groups.code, line + i) ?? unclear(where, text)
  })
  const checks = new URL('checks.js', import.meta.url).pathname
  return `import * as checks from ${JSON.stringify(checks)}\n${lines.join('\n')}\nchecks.end({ ${expected.join(', ')} })\n`
}

function recorded(code, line) {
  if (/^\s*console\.log\(.*\)$/.test(code)) return code.replace('console.log(', `checks.got(${line}, `)
  const declared = /^\s*(?:const|let) (\w+)(?:: [^=]+)? = /.exec(code)
  if (declared) return `${code}; checks.got(${line}, ${declared[1]})`
  if (/^\s*await [^;]+$/.test(code)) return `checks.got(${line}, ${code.trim()})`
  return undefined
}

function unclear(where, text) {
  throw new Error(`${where}: what is the result of "${text.trim()}"? Use await …, const name = …, or console.log(…)`)
}

/** The block as a shell script that ends with the first command that fails, or prints something else. */
export function checkedScript({ code, line }) {
  const lines = code.split('\n').map((text, i) => {
    const result = /^(.*?\S)\s*# → (.+)$/.exec(text)
    return result ? `prints ${line + i} ${quoted(result[2])} ${result[1]}` : text
  })
  return `${lines.join('\n')}\n`
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** What a Go program says that it prints. */
export function printed({ code }) {
  return [...code.matchAll(/\/\/ → (.+)$/gm)].map(([, text]) => `${text}\n`).join('')
}

/** Whether the block says anything that could be found to be wrong. */
export function isChecked({ code }) {
  return /(\/\/|#) → |\bassert\b/.test(code)
}
