// abstract-level's own suite, which runs in Node and, bundled, in a page.

import suite from 'abstract-level/test/index.js'
import tape from 'tape'
import type { VarveLevel, VarveLevelOptions } from '../src/level/index.js'

interface Assertion {
  type: 'assert'
  test: number
  ok: boolean
  name: string
  actual: unknown
  expected: unknown
  error: unknown
}

/** What has happened, as tape tells it in object mode. */
type Row = Assertion | { type: 'test'; id: number; name: string } | { type: 'end'; test: number }

/** What the suite said. */
export interface Outcome {
  /** How much ran. */
  ran: string
  /** The assertions that don't hold, in words. */
  failures: string[]
}

type Factory = (n: number, options?: VarveLevelOptions<string, string>) => VarveLevel

/** Runs the suite on databases that `factory` makes, each of a store of its own. */
export function runSuite(factory: Factory): Promise<Outcome> {
  let tests = 0
  let assertions = 0
  let databases = 0
  const failures: string[] = []
  const names = new Map<number, string>()
  const harness = tape.createHarness({ autoclose: true })
  const rows = harness.createStream({ objectMode: true })
  rows.on('data', (row: Row) => {
    if (row.type === 'test') {
      tests++
      names.set(row.id, row.name)
    } else if (row.type === 'assert') {
      assertions++
      if (!row.ok) failures.push(`${names.get(row.test)}: ${row.name}: ${describe(row)}`)
    }
  })
  suite(closing(harness, (options) => factory(++databases, options)))
  return new Promise((resolve) => {
    rows.on('end', () => resolve({ ran: `${assertions} assertions in ${tests} tests, on ${databases} databases`, failures }))
  })
}

/**
 * Closes what the suite leaves open: it closes the sublevels that it makes, and not what they lie
 * in, and browsers have room for about a hundred engines.
 */
function closing(harness: tape.Harness, factory: (options?: VarveLevelOptions<string, string>) => VarveLevel) {
  const held: VarveLevel[] = [] // made by a test named setup, for all until one named teardown
  let made = held
  const test = (name: string, run: (t: tape.Test) => Promise<unknown>): void => {
    harness(name, (t) => {
      made = name.endsWith(' setup') ? held : []
      const done = name.endsWith(' teardown') ? held : made
      // The listeners that are tested would open again what is closed.
      const closes = !name.endsWith(' setup') && !name.endsWith(' event')
      if (closes) t.teardown(() => done.splice(0).forEach(close))
      return run(t)
    })
  }
  return {
    test,
    factory(options?: VarveLevelOptions<string, string>): VarveLevel {
      const database = factory(options)
      made.push(database)
      return database
    },
  }
}

/** Some are left in a state in which they can't be closed. */
function close(database: VarveLevel): void {
  database.removeAllListeners()
  database.close().catch(() => undefined)
}

function describe({ actual, expected, error }: Assertion): string {
  const cause = error instanceof Error && error.cause !== undefined ? `: ${String(error.cause)}` : ''
  return `expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}, ${String(error)}${cause}`
}
