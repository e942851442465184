// Runs in the page: sessions on a store, in each of which another call of IndexedDB goes wrong.

import { destroy, open } from '/varve/index.js'
import { FAULTS, arm, disarm } from './api-faults.js'

const CODES = ['IO', 'NO_SPACE']
const wasmModule = await WebAssembly.compileStreaming(fetch('/varve/varve.wasm'))

/** What a session does: writes with what they change, and reads. `n` makes each session's its own. */
const STEPS = (n) => [
  { run: (s) => s.flush() },
  { run: (s) => s.compact() },
  read(async (s, m) => same('get of b', await s.get('b'), m.get('b'))),
  // What follows is in the log alone when the next session opens the store.
  write((s) => s.put('a', n), (m) => m.set('a', n)),
  write(
    (s) => s.batch([{ type: 'put', key: 'b', value: n }, { type: 'del', key: 'c' }, { type: 'put', key: 'd', value: n }], { durability: 'strict' }),
    (m) => m.set('b', n).set('d', n).delete('c'),
  ),
  write((s) => s.put('long', `${n} `.repeat(30_000)), (m) => m.set('long', `${n} `.repeat(30_000))),
  read(async (s, m) => same('get of a', await s.get('a'), m.get('a'))),
  write((s) => s.put('c', n), (m) => m.set('c', n)),
  write((s) => s.del('a', { durability: 'strict' }), (m) => m.delete('a')),
  read(contents),
]

const write = (run, change) => ({ run, change })
const read = (run) => ({ run })

async function contents(store, model) {
  same('the contents', await store.scan().toArray(), [...model].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function same(what, actual, expected) {
  const [got, want] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (got !== want) throw new Error(`${what}: ${got?.slice(0, 200)}, not ${want?.slice(0, 200)}`)
}

/** A store, and what it must hold. */
export class Subject {
  #name
  #model
  #sessions

  /** What it is about to do, for whoever waits in vain. */
  doing = ''

  /** `state` is that of the subject, on an earlier page, which goes on. */
  constructor(name, state = { model: [], sessions: 0 }) {
    this.#name = name
    this.#model = new Map(state.model)
    this.#sessions = state.sessions
  }

  get state() {
    return { model: [...this.#model], sessions: this.#sessions }
  }

  /**
   * One session, with a fault at its call of that index. It fails if anything is wrong.
   *
   * @returns what the fault hit, and the codes of the errors that it made
   */
  async session(fault, index) {
    const codes = []
    const suffer = (error) => {
      if (error?.name !== 'VarveError' || !CODES.includes(error.code)) throw error
      codes.push(error.code)
    }
    arm(fault, index)
    this.doing = 'open'
    let store = await this.#open().catch(suffer)
    store ??= await this.#open()
    await this.#check(store, suffer)
    for (const { run, change } of STEPS(++this.#sessions)) {
      this.doing = String(run)
      const failed = await run(store, this.#model).then(() => false, (error) => suffer(error) ?? true)
      if (!failed) change?.(this.#model)
    }
    await this.#check(store, suffer)
    this.doing = 'close'
    const closed = await store.close().then(() => true, suffer)
    const hit = disarm()
    if (!closed || codes.length > 0 || hit === undefined) await this.#again()
    if (FAULTS[fault].hidden && codes.length > 0) {
      throw new Error(`${hit} that ${fault} is noticed: ${codes}`)
    }
    return { hit, codes }
  }

  #open() {
    return open(this.#name, { host: 'inline', wasmModule, memoryBudget: 1 << 20 })
  }

  /** Reads everything: an error that the fault makes now is no wrong content. */
  async #check(store, suffer) {
    const check = () => contents(store, this.#model)
    await check().catch((error) => {
      suffer(error)
      return check()
    })
    await store.verify().catch((error) => {
      suffer(error)
      return store.verify()
    })
  }

  async #again() {
    const store = await this.#open()
    await contents(store, this.#model)
    await store.verify()
    await store.close()
  }

  destroy() {
    return destroy(this.#name, { host: 'inline', wasmModule })
  }
}
