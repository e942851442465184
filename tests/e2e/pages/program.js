// Random programs as data: what to do to a store, step by step. A program is plain JSON, so that
// it can be shown, cut down and run again.

import { Random } from './random.js'

// Keys of several lengths that collide often, in an order in which UTF-8 and UTF-16 differ.
const SYLLABLES = ['a', 'b', 'ba', '/', '0', 'é', '\uffee', '😀', '~']

const WEIGHTS = {
  put: 30, del: 8, batch: 14, get: 16, has: 4, getMany: 8, scan: 16, keys: 3, values: 3,
  slowScan: 4, breakScan: 3, snapshot: 4, readSnapshot: 8, closeSnapshot: 3,
  clear: 1, flush: 3, compact: 1, reopen: 1, pause: 10,
}

/** @returns {{ op: string }[]} the steps */
export function program(seed, length) {
  const random = new Random(seed)
  return random.list(length, () => step(random))
}

function step(random) {
  const op = random.weighted(WEIGHTS)
  switch (op) {
    case 'put': return { op, key: key(random), value: value(random), durability: durability(random) }
    case 'del': return { op, key: key(random), durability: durability(random) }
    case 'batch': return { op, writes: random.list(random.below(40), () => write(random)), durability: durability(random) }
    case 'get': case 'has': return { op, key: key(random) }
    case 'getMany': return { op, keys: random.list(random.below(20), () => key(random)) }
    case 'scan': case 'keys': case 'values': case 'slowScan': return { op, options: scanOptions(random) }
    case 'breakScan': return { op, options: scanOptions(random), after: random.below(5) }
    case 'readSnapshot': return { op, which: random.below(3), key: key(random), options: scanOptions(random) }
    case 'closeSnapshot': return { op, which: random.below(3) }
    case 'clear': return { op, options: range(random) }
    default: return { op }
  }
}

function key(random) {
  return random.list(1 + random.below(4), () => random.pick(SYLLABLES)).join('')
}

/** A value as JSON, or its length in bytes, of which it is then made. */
function value(random) {
  switch (random.below(5)) {
    case 0: return { json: random.below(1000) }
    case 1: return { json: { n: random.below(1000), list: [true, null, 'é'] } }
    case 2: return { bytes: random.below(3000), fill: random.below(256) }
    case 3: return { json: '' }
    default: return { text: random.below(random.below(50) === 0 ? 100_000 : 2000), fill: random.below(1000) }
  }
}

function write(random) {
  return random.below(4) === 0
    ? { type: 'del', key: key(random) }
    : { type: 'put', key: key(random), value: value(random) }
}

function durability(random) {
  return random.pick([undefined, undefined, 'strict', 'relaxed', 'deferred'])
}

function scanOptions(random) {
  return {
    ...range(random),
    ...(random.below(3) === 0 && { reverse: true }),
    ...(random.below(3) === 0 && { limit: random.below(30) }),
  }
}

function range(random) {
  switch (random.below(4)) {
    case 0: return {}
    case 1: return { prefix: random.pick(SYLLABLES) }
    case 2: return { [random.pick(['gt', 'gte'])]: key(random) }
    default: {
      const [low, high] = [key(random), key(random)].sort(compare)
      return { [random.pick(['gt', 'gte'])]: low, [random.pick(['lt', 'lte'])]: high }
    }
  }
}

/** Orders strings as their UTF-8 does, which is by code point. */
export function compare(a, b) {
  const [x, y] = [[...a], [...b]]
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return x[i].codePointAt(0) - y[i].codePointAt(0)
  }
  return x.length - y.length
}

/** The value that a step's description stands for. */
export function valueOf({ json, bytes, text, fill }) {
  if (bytes !== undefined) return new Uint8Array(bytes).fill(fill)
  if (text !== undefined) return `${fill} sediment `.repeat(text / 8).slice(0, text)
  return json
}
