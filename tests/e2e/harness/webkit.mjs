// WebKitGTK on a display of its own (Xvfb), driven by WebKitWebDriver over W3C WebDriver.

import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const driverPath = process.env.WEBKIT_DRIVER || 'WebKitWebDriver'
const browserScript = fileURLToPath(new URL('webkit-window.js', import.meta.url))

/** How long one command may hold the session, in milliseconds: it takes them one after the other. */
const TURN = 200

/** Starts WebKitGTK on a profile. Its `quota` is how many bytes one origin may store. */
export async function launchWebKit(profile) {
  const display = await startDisplay(profile)
  const port = await freePort()
  const child = spawn(driverPath, [`--port=${port}`], {
    // A group of its own, so that all its processes are killed at once: IndexedDB is in the
    // network process, which would end in good order when the browser's is gone.
    detached: true,
    stdio: 'ignore',
    env: {
      ...process.env,
      DISPLAY: display,
      GDK_BACKEND: 'x11',
      XDG_CONFIG_HOME: profile.path,
      XDG_CACHE_HOME: profile.path,
      XDG_DATA_HOME: profile.path,
      // WebKit's sandbox does not work for root, as which containers run.
      ...(process.getuid?.() === 0 ? { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' } : {}),
    },
  })
  const kill = endWith(child, () => process.kill(-child.pid, 'SIGKILL'))
  profile.kills.push(kill)
  const session = await Session.start(child, `http://127.0.0.1:${port}`, {
    binary: '/usr/bin/env',
    args: ['gjs', browserScript, profile.path, ...(profile.quota ? [String(partOfDisk(profile))] : [])],
  })
  return { context: session, kill, close: () => session.close().then(kill) }
}

/** What part of its disk a profile's quota is. */
function partOfDisk({ path, quota }) {
  const { bsize, blocks } = statfsSync(path)
  return quota / (bsize * blocks)
}

/** @returns {Promise<string>} the name of a new X display, which ends with the profile */
async function startDisplay(profile) {
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  profile.kills.push(endWith(child, () => child.kill('SIGKILL')))
  const [number] = await Promise.race([once(child.stdio[3], 'data'), failure(child, 'Xvfb')])
  return `:${String(number).trim()}`
}

/** A function that kills a process and waits for its end; also called when this process ends first. */
function endWith(child, kill) {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  process.once('exit', kill)
  return async () => {
    process.off('exit', kill)
    if (child.exitCode === null && child.signalCode === null) kill()
    await exited
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** Rejects when the process can't be started, or ends. */
function failure(child, name) {
  return new Promise((_resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`${name} has closed (${signal ?? code})`)))
  })
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((closed) => server.close(closed))
  return port
}

/** A WebDriver session, which has one window current at a time. */
class Session {
  #address
  #ended
  #first // the window that the session began with, which no page is
  #queue = Promise.resolve()

  static async start(child, address, browserOptions) {
    const ended = failure(child, 'the browser')
    ended.catch(() => undefined)
    const session = new Session(address, ended)
    await session.#untilListening()
    const { sessionId } = await session.#send('POST', '/session', {
      capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': browserOptions } },
    })
    session.#address += `/session/${sessionId}`
    session.#first = await session.#send('GET', '/window')
    return session
  }

  constructor(address, ended) {
    this.#address = address
    this.#ended = ended
  }

  async newPage() {
    const { handle } = await this.exclusively(async (send) => {
      // There is no new window after one that was closed.
      await send('POST', '/window', { handle: this.#first })
      return send('POST', '/window/new', { type: 'window' })
    })
    return new Page(this, handle)
  }

  /** Ends the browser in good order, by closing its windows. */
  close() {
    return this.exclusively(async (send) => {
      for (const handle of await send('GET', '/window/handles')) {
        await send('POST', '/window', { handle })
        await send('DELETE', '/window')
      }
    })
  }

  /** Runs a sequence of commands that no other comes in between. */
  exclusively(commands) {
    const result = this.#queue.then(() => commands((...command) => this.#send(...command)))
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #send(method, path, body) {
    const answer = fetch(this.#address + path, { method, body: body && JSON.stringify(body) }).then((response) => response.json())
    answer.catch(() => undefined)
    const { value } = await Promise.race([answer, this.#ended]).catch(async (error) => {
      // The connection may break, before an answer or within it, before the process is known to have ended.
      await Promise.race([this.#ended, sleep(1000, undefined, { ref: false })])
      throw error
    })
    if (value?.error) throw new Error(`${value.error}: ${value.message}`)
    return value
  }

  async #untilListening() {
    for (let tries = 0; ; tries++) {
      try {
        return await fetch(`${this.#address}/status`)
      } catch (error) {
        if (tries === 200) throw error
        await Promise.race([sleep(50), this.#ended])
      }
    }
  }
}

/** As much of playwright's Page as the tests use that run in every engine. */
class Page extends EventEmitter {
  #session
  #handle
  #url = 'about:blank'

  constructor(session, handle) {
    super()
    this.#session = session
    this.#handle = handle
  }

  url() {
    return this.#url
  }

  async goto(url) {
    await this.#command('POST', '/url', { url })
    await this.#arrive()
  }

  async reload() {
    await this.#command('POST', '/refresh', {})
    await this.#arrive()
  }

  async goBack() {
    await this.#command('POST', '/back', {})
    await this.#arrive()
  }

  async close() {
    await this.#command('DELETE', '/window')
  }

  /** Uncaught errors of the page are emitted, as "pageerror", when a call of it ends. */
  async evaluate(run, argument) {
    // As part of the script: the page's policy forbids eval.
    const call = await this.#script(`(...args) => (${START})(${run}, args)`, ...(argument === undefined ? [] : [argument]))
    for (;;) {
      const { errors, outcome } = await this.#script(AWAIT, call, TURN)
      for (const error of errors) this.emit('pageerror', new Error(error))
      if (!outcome) continue
      if ('failure' in outcome) throw new Error(outcome.failure)
      return outcome.json === null ? undefined : JSON.parse(outcome.json)
    }
  }

  async #arrive() {
    this.#url = await this.#command('GET', '/url')
    await this.#script(LISTEN)
  }

  #script(run, ...args) {
    const script = `const args = [...arguments], done = args.pop(); Promise.resolve((${run})(...args)).then(done)`
    return this.#command('POST', '/execute/async', { script, args })
  }

  #command(...command) {
    return this.#session.exclusively(async (send) => {
      await send('POST', '/window', { handle: this.#handle })
      return send(...command)
    })
  }
}

// The functions below run in the page.

function LISTEN() {
  if (globalThis.webdriver) return
  const { errors } = (globalThis.webdriver = { calls: [], errors: [] })
  addEventListener('error', ({ message, error }) => errors.push(String(error?.stack ?? message)))
  addEventListener('unhandledrejection', ({ reason }) => errors.push(`unhandled: ${reason} ${reason?.stack ?? ''}`))
}

function START(run, args) {
  const describe = (error) => (error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error))
  const call = Promise.resolve()
    .then(() => run(...args))
    .then((value) => ({ json: JSON.stringify(value) ?? null }), (error) => ({ failure: describe(error) }))
  return globalThis.webdriver.calls.push(call) - 1
}

async function AWAIT(call, turn) {
  const { calls, errors } = globalThis.webdriver
  const outcome = await Promise.race([calls[call], new Promise((resolve) => setTimeout(resolve, turn))])
  if (outcome) delete calls[call]
  return { errors: errors.splice(0), outcome: outcome ?? null }
}
