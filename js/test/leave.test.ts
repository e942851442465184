import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import test, { type TestContext } from 'node:test'
import { Client, done } from '../src/client.js'
import { VarveError } from '../src/errors.js'
import { Op } from '../src/frame.js'
import { closeWhenLeft } from '../src/leave.js'
import { varveError } from './support.js'

/** The window of a page that is left and returned to. */
function page(t: TestContext) {
  const target = new EventTarget()
  const globals = globalThis as { addEventListener?: unknown }
  globals.addEventListener = target.addEventListener.bind(target)
  t.after(() => delete globals.addEventListener)
  return {
    said: (type: string, persisted: boolean) => target.dispatchEvent(Object.assign(new Event(type), { persisted })),
    listeners: () => getEventListeners(target, 'pagehide').length + getEventListeners(target, 'pageshow').length,
  }
}

for (const [host, ends, other] of [['worker', 'pagehide', 'pageshow'], ['inline', 'pageshow', 'pagehide']] as const) {
  test(`a store of a page that is kept for later is closed by ${ends}, and by nothing else (${host})`, async (t) => {
    const { said, listeners } = page(t)
    const client = new Client()
    closeWhenLeft(client, host)
    const pending = client.call(Op.get, 0, done)
    said(other, true)
    said(other, false)
    said(ends, false)
    assert.ok(!client.closed)
    said(ends, true)
    await assert.rejects(pending, varveError('CLOSED', /was left/))
    assert.equal(listeners(), 0)
  })
}

test('a store that has ended listens to its page no more', (t) => {
  const { listeners } = page(t)
  const client = new Client()
  closeWhenLeft(client, 'worker')
  assert.equal(listeners(), 1)
  client.fail(new VarveError('IO', 'The engine has crashed.'))
  assert.equal(listeners(), 0)
})
