// What a block's lines gave, beside what they say. It runs where the block runs.

const results = new Map()

/** Records what a line gave. */
export function got(line, ...values) {
  results.set(line, [...(results.get(line) ?? []), ...structuredClone(values)])
}

/** Compares everything, and tells whoever runs the block what is wrong. */
export function end(expected) {
  const wrong = []
  for (const [line, values] of Object.entries(expected)) {
    const actual = results.get(Number(line)) ?? []
    if (!same(actual, values())) wrong.push(`line ${line} gives ${show(actual)}, not ${show(values())}`)
  }
  if (globalThis.document) globalThis.outcome = wrong
  else if (globalThis.WorkerGlobalScope) postMessage({ wrong })
  else if (wrong.length > 0) throw new Error(wrong.join('\n'))
}

function same(a, b) {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b || a.constructor !== b.constructor) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
}

function show(values) {
  return values.length === 0 ? 'nothing' : values.map((value) => JSON.stringify(value) ?? String(value)).join(', ')
}
