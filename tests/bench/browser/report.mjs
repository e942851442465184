// The rows of the report, with what varve has to reach, and the tables in Markdown.

const perSecond = { unit: '/s', show: whole }
const ms = { unit: 'ms', show: (n) => n.toFixed(2), lower: true }

/**
 * `target`: varve's number divided by that of a library, at least, or at most where lower is
 * better; or a number of its own, without `of`.
 */
export const ROWS = [
  { id: 'loadSorted', title: 'load in batches of 1,000, sorted', ...perSecond, target: { ratio: 2, of: 'sqlite' } },
  { id: 'loadRandom', title: 'load in batches of 1,000, random', ...perSecond, target: { ratio: 4, of: 'sqlite' } },
  { id: 'putRelaxed', title: 'awaited put, p50, relaxed', ...ms, target: { ratio: 1, of: 'raw-indexeddb' } },
  { id: 'putStrict', title: 'awaited put, p50, strict', ...ms, target: { ratio: 1.1, of: 'raw-indexeddb' } },
  { id: 'putAtOnce', title: '10,000 puts at once', ...perSecond, target: { ratio: 15, of: 'sqlite' } },
  { id: 'getWarm', title: 'awaited gets, warm', ...perSecond, target: { ratio: 1.5, of: 'sqlite' } },
  { id: 'getMissing', title: 'awaited gets, missing', ...perSecond, target: { ratio: 1.5, of: 'sqlite' } },
  { id: 'getAtOnce', title: '10,000 gets at once', ...perSecond, target: { ratio: 8, of: 'sqlite' } },
  { id: 'getMany', title: 'getMany of 1,000', ...perSecond, target: { ratio: 4, of: 'sqlite' } },
  { id: 'getCold', title: 'awaited gets after a browser restart', ...perSecond, target: { ratio: 1, of: 'sqlite' } },
  { id: 'scan', title: 'scan of everything, entries', ...perSecond, target: { ratio: 3, of: 'sqlite' } },
  { id: 'ranges', title: 'ranges of 100, entries', ...perSecond, target: { ratio: 3, of: 'sqlite' } },
  { id: 'reverse', title: '1,000 in reverse, entries', ...perSecond, target: { ratio: 2, of: 'sqlite' } },
  { id: 'ycsb', title: 'YCSB-A, zipfian, 16 in flight', ...perSecond, target: { ratio: 3, of: 'sqlite' } },
  { id: 'start', title: 'page start to first get', ...ms, show: whole, target: { ratio: 0.75, of: 'sqlite' } },
  { id: 'wire', title: 'JS and wasm, brotli', unit: 'KB', show: whole, lower: true, target: { value: 750 } },
  { id: 'disk', title: 'disk, a record', unit: 'bytes', show: whole, lower: true, target: { value: 85 } },
  { id: 'getWarm', title: 'awaited gets, warm, engine inline', ...perSecond, peer: 'varve-inline', target: { value: 150_000 } },
  { id: 'p99Idle', title: 'awaited get, p99, idle', ...ms },
  { id: 'p99Compacting', title: 'awaited get, p99, while compacting', ...ms, target: { ratio: 3, of: 'varve', row: 'p99Idle' } },
]

/** The medians of all libraries, with varve's ratio to the library of the target. */
export function table(results) {
  const peers = Object.keys(results)
  const lines = ROWS.map((row) => {
    const cells = peers.map((peer) => cell(row, medianOf(results, peer, row.id)))
    const { ratio, wanted, met } = judge(row, results)
    return [`${row.title}, ${row.unit}`, ...cells, ratio, wanted, met]
  })
  return markdown(['', ...peers, "varve's ratio", 'target', 'met'], lines)
}

/** The rows that a library should have and has no finite number for. */
export function gaps(results, peer, lacking = []) {
  return ROWS.map(({ id }) => id).filter((id) => !lacking.includes(id) && !Number.isFinite(medianOf(results, peer, id)))
}

function judge({ id, lower, peer = 'varve', target }, results) {
  if (!target) return { ratio: '', wanted: '', met: '' }
  const own = medianOf(results, peer, id)
  const other = target.of && medianOf(results, target.of, target.row ?? id)
  const number = target.of ? own / other : own
  const bound = target.ratio ?? target.value
  const met = lower ? number <= bound : number >= bound
  const wanted = `${lower ? '≤' : '≥'} ${target.of ? `${bound} × ${target.row ? 'idle' : target.of}` : whole(bound)}`
  if (!Number.isFinite(number)) return { ratio: '', wanted, met: '' }
  return { ratio: target.of ? number.toFixed(2) : '', wanted, met: met ? 'yes' : '**no**' }
}

function cell(row, number) {
  return number === undefined ? '–' : row.show(number)
}

export function medianOf(results, peer, row) {
  const numbers = results[peer]?.[row]
  return numbers && numbers.toSorted((a, b) => a - b)[(numbers.length - 1) >> 1]
}

export function markdown(head, lines) {
  const all = [head, ...lines].map((line) => line.map(String))
  const widths = head.map((_, i) => Math.max(3, ...all.map((line) => line[i].length)))
  const join = (line) => `| ${line.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => '-'.repeat(width + 1) + (i === 0 ? '-' : ':')).join('|')}|`
  return [join(all[0]), rule, ...all.slice(1).map(join)].join('\n')
}

function whole(n) {
  return Math.round(n).toLocaleString('en')
}
