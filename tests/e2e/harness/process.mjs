import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** Starts a browser, whose standard error can be read. It ends with the profile, or by `kill`. */
export function start(profile, executable, args) {
  const child = spawn(executable, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  profile.kills.push(kill)
  return { child, exited, kill }
}

/** The address on which a browser listens, which it writes to its standard error. */
export async function addressWritten(child, name, pattern) {
  let written = ''
  child.stderr.setEncoding('utf8')
  const found = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`${name} ended while starting:\n${written}`)))
    child.stderr.on('data', (text) => {
      written += text
      const address = pattern.exec(written)
      if (address) resolve(address[1])
    })
  })
  const late = sleep(60_000, undefined, { ref: false }).then(() => {
    throw new Error(`${name} does not listen:\n${written}`)
  })
  return Promise.race([found, late])
}
