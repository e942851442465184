// Runs in the page: a program against a store and a model at once. Steps are issued without
// waiting for those before them, up to the next "pause": each must still see all that was issued
// before it.

import { destroy, open } from '/varve/index.js'
import { Model } from './model.js'
import { program, valueOf } from './program.js'

/** Runs the program of a seed. Returns nothing if all went well, else what failed, cut down. */
export async function check(seed, length, options) {
  const steps = program(seed, length)
  const failure = await run(steps, options)
  if (!failure) return undefined
  const least = await shrink(steps.slice(0, failure.step + 1), options)
  return { failure: failure.message, program: JSON.stringify(least) }
}

async function run(steps, options) {
  const machine = new Machine(options)
  try {
    await machine.start()
    for (const [i, step] of steps.entries()) {
      try {
        await machine.perform(step)
      } catch (error) {
        return { step: i, message: `step ${i}, ${JSON.stringify(step)}: ${error.stack ?? error}` }
      }
    }
    await machine.finish()
    return undefined
  } catch (error) {
    return { step: steps.length, message: `at the end: ${error.stack ?? error}` }
  } finally {
    await machine.abandon()
  }
}

/** Leaves out steps, ever fewer at once, as long as the rest still fails. */
async function shrink(steps, options) {
  let attempts = 80
  for (let size = steps.length >> 1; size >= 1 && attempts > 0; size >>= 1) {
    for (let at = 0; at < steps.length && attempts-- > 0;) {
      const fewer = steps.toSpliced(at, size)
      if (await run(fewer, options)) steps = fewer
      else at += size
    }
  }
  return steps
}

class Machine {
  #options
  #name = `program-${crypto.randomUUID()}`
  #store
  #model = new Model()
  #snapshots = []
  #underWay = []

  constructor(options) {
    this.#options = options
  }

  async start() {
    this.#store = await open(this.#name, this.#options)
  }

  /** Waits for all steps, and compares everything. */
  async finish() {
    await this.#settle()
    expect(await this.#store.scan().toArray(), this.#model.scan())
    await this.#store.verify()
  }

  async abandon() {
    await Promise.allSettled(this.#underWay)
    await this.#store?.close()
    await destroy(this.#name, this.#options)
  }

  async perform(step) {
    const store = this.#store
    const model = this.#model
    switch (step.op) {
      case 'put': {
        const value = valueOf(step.value)
        model.put(step.key, value)
        return this.#issue(store.put(step.key, value, chosen(step)))
      }
      case 'del':
        model.del(step.key)
        return this.#issue(store.del(step.key, chosen(step)))
      case 'batch': return this.#batch(step)
      case 'get': return this.#issue(store.get(step.key), model.get(step.key))
      case 'has': return this.#issue(store.has(step.key), model.has(step.key))
      case 'getMany': return this.#issue(store.getMany(step.keys), step.keys.map((key) => model.get(key)))
      case 'scan': return this.#issue(store.scan(step.options).toArray(), model.scan(step.options))
      case 'keys': return this.#issue(store.keys(step.options).toArray(), model.scan(step.options).map(([key]) => key))
      case 'values': return this.#issue(store.values(step.options).toArray(), model.scan(step.options).map(([, value]) => value))
      case 'slowScan': return this.#issue(slowly(store.scan(step.options)), model.scan(step.options))
      case 'breakScan': return this.#issue(first(store.scan(step.options), step.after), model.scan(step.options).slice(0, step.after + 1))
      case 'snapshot':
        if (this.#snapshots.length < 3) this.#snapshots.push({ store: store.snapshot(), model: model.snapshot() })
        return
      case 'readSnapshot': return this.#readSnapshot(step)
      case 'closeSnapshot': return this.#issue(this.#snapshots.splice(step.which, 1)[0]?.store.close())
      case 'clear':
        model.clear(step.options)
        return this.#issue(store.clear(step.options))
      case 'flush': return this.#issue(store.flush())
      case 'compact': return this.#issue(store.compact())
      case 'reopen': return this.#reopen()
      case 'pause': return this.#settle()
    }
  }

  #batch({ writes, ...step }) {
    const operations = writes.map(({ value, ...write }) => (value ? { ...write, value: valueOf(value) } : write))
    for (const { type, key, value } of operations) {
      if (type === 'put') this.#model.put(key, value)
      else this.#model.del(key)
    }
    this.#issue(this.#store.batch(operations, chosen(step)))
  }

  #readSnapshot({ which, key, options }) {
    const snapshot = this.#snapshots[which]
    if (!snapshot) return
    this.#issue(snapshot.store.get(key), snapshot.model.get(key))
    this.#issue(snapshot.store.scan(options).toArray(), snapshot.model.scan(options))
  }

  async #reopen() {
    await this.#settle()
    for (const { store } of this.#snapshots.splice(0)) await store.close()
    await this.#store.close()
    await this.start()
  }

  /** Notes a call that is under way, and what it must give. */
  #issue(promise, expected) {
    const checked = Promise.resolve(promise).then((actual) => expect(actual, expected))
    checked.catch(() => undefined)
    this.#underWay.push(checked)
  }

  async #settle() {
    await Promise.all(this.#underWay.splice(0))
  }
}

function chosen({ durability }) {
  return durability ? { durability } : undefined
}

/** Reads a scan one entry at a time, letting other things happen in between. */
async function slowly(scan) {
  const rows = []
  for await (const row of scan) {
    rows.push(row)
    if (rows.length % 8 === 1) await new Promise((resolve) => setTimeout(resolve))
  }
  return rows
}

async function first(scan, after) {
  const rows = []
  for await (const row of scan) {
    rows.push(row)
    if (rows.length > after) break
  }
  return rows
}

function expect(actual, expected) {
  const [a, b] = [written(actual), written(expected)]
  if (a === b) return
  let same = 0
  while (a[same] === b[same]) same++
  throw new Error(`got ${excerpt(a, same)}, not ${excerpt(b, same)}`)
}

function written(value) {
  return JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? `bytes ${part.join(' ')}` : part)) ?? 'undefined'
}

function excerpt(text, at) {
  return `${at > 60 ? '…' : ''}${text.slice(Math.max(at - 60, 0), at + 120)}`
}
