import { kindOf, refusal, requireObject, requireSignal } from './arguments.js'
import { Client, done, type Reply } from './client.js'
import { VarveError, aborted, asVarveError, invalid } from './errors.js'
import { Op } from './frame.js'
import type { Key } from './keys.js'
import { closeWhenLeft } from './leave.js'
import { checkName, engineEntries, type EngineOptions, type OpenOptions } from './options.js'
import { Store } from './store.js'
import { startInline, startWorker } from './transport.js'
import { wasmSource } from './wasm.js'

/**
 * Opens the store of that name in the origin's IndexedDB, or in Node in the directory `dir`, and
 * makes it if it is missing.
 *
 * ```ts
 * const store = await open('festival', { valueEncoding: 'json' })
 * ```
 *
 * With `from`, it makes the store of an archive that `export()` gave, and fails with `EXISTS` if
 * there is one of that name.
 *
 * A store is open in one place at a time: in another tab or worker, and in this page itself, a second
 * `open` fails with `LOCKED`. Keep one promise of it, and share that.
 *
 * @throws {VarveError} `LOCKED`, `NOT_FOUND`, `EXISTS`, `CORRUPT`, `NO_SPACE`, `IO`, `ABORTED`,
 *   `INVALID_ARGUMENT`; `UNSUPPORTED` where there is no IndexedDB, worker or WebAssembly.
 */
export function open<O extends OpenOptions<string> & { valueEncoding: 'utf8' }>(
  name: string,
  options: O,
): Promise<Store<KeyOf<O>, string>>
export function open<O extends OpenOptions<Uint8Array> & { valueEncoding: 'view' }>(
  name: string,
  options: O,
): Promise<Store<KeyOf<O>, Uint8Array>>
export function open<V = unknown>(
  name: string,
  options: OpenOptions<V> & { keyEncoding: 'view' },
): Promise<Store<Uint8Array, V>>
export function open<V = unknown>(
  name: string,
  options?: OpenOptions<V> & { keyEncoding?: 'utf8' | undefined },
): Promise<Store<string, V>>
export function open<V = unknown>(name: string, options: OpenOptions<V>): Promise<Store<Key, V>>
export async function open<V>(name: string, options: OpenOptions<V> = {}): Promise<Store<Key, V>> {
  checkName(name)
  const entries = engineEntries(options)
  const client = new Client()
  const store = new Store<Key, V>(name, client, options)
  const { dir, storage, from, signal } = options
  const place = dir !== undefined ? 'dir' : (storage ?? 'idb')
  try {
    if (dir !== undefined) {
      const problem = (await import('./node.js')).problem(options)
      if (problem) throw new VarveError(...problem)
    }
    const feed = from === undefined ? undefined : (await import('./import.js')).importer(from, invalid, kindOf)
    const give = (piece: Uint8Array): Promise<void> =>
      client.request(done, () => client.add(Op.import, 0, 0, 0, '', '', piece))
    await withEngine(client, options, place, () =>
      client.request(done, () => {
        client.add(Op.open, 0, 0, 0, dir ?? name)
        for (const [option, text] of entries) client.add(Op.open, 0, 0, 0, option, '', text)
      }),
    ).catch(async (error: unknown) => {
      client.fail(asVarveError(error))
      await feed?.(signal, client.ended.signal, give).catch(() => undefined) // lets go of the source
      throw error
    })
    let whole = false
    try {
      await feed?.(signal, client.ended.signal, give)
      whole = true
      if (feed && signal?.aborted) throw aborted(signal)
    } catch (error) {
      // The engine removes what it has written, unless that is a store by now.
      await client.close().catch(() => undefined)
      if (whole && place === 'idb') await destroy(name, { ...options, signal: undefined }).catch(() => undefined)
      throw signal?.aborted ? aborted(signal) : error
    }
    return store
  } catch (error) {
    throw asVarveError(error)
  }
}

/** How a store with these options gives keys back. */
export type KeyOf<O> = O extends { keyEncoding: 'view' } ? Uint8Array : string

/**
 * Deletes the store of that name. It is no error if there is none.
 *
 * @throws {VarveError} `LOCKED` if it is open somewhere; `UNSUPPORTED`, `IO`, `ABORTED`. A tab that
 *   holds the database by other means than this package is given three seconds: after `LOCKED`, the
 *   browser still deletes the store when that tab lets go of it.
 */
export async function destroy(name: string, options: EngineOptions = {}): Promise<void> {
  checkName(name)
  await once(options, (client) => client.request(done, () => client.add(Op.destroy, 0, 0, 0, name)))
}

/**
 * The names of the origin's stores, in order.
 *
 * @throws {VarveError} `UNSUPPORTED`, `IO`, `ABORTED`.
 */
export function list(options: EngineOptions = {}): Promise<string[]> {
  return once(options, (client) => client.call(Op.list, 0, names))
}

const names: Reply<string[]> = {
  read(response) {
    const all: string[] = []
    if (response.absent) return all
    do all.push(response.keyText())
    while (response.more && response.next())
    return all
  },
}

/** Asks an engine that has no store for one thing. */
async function once<T>(options: EngineOptions, ask: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client()
  const answer = await withEngine(client, options, 'idb', () => ask(client))
  client.fail(new VarveError('CLOSED', 'The engine has been closed.'))
  return answer
}

/** Where a store's files are. */
type Place = 'idb' | 'memory' | 'dir'

/** Starts an engine, and asks for the first thing. If that fails, the engine is ended. */
async function withEngine<T>(
  client: Client,
  options: EngineOptions,
  place: Place,
  ask: () => Promise<T>,
): Promise<T> {
  requireObject(options, 'options')
  const { signal, host = 'worker' } = options
  if (host !== 'worker' && host !== 'inline') throw refusal('host', host, 'is worker or inline')
  requireSignal(signal)
  if (signal?.aborted) throw aborted(signal)
  requirePlatform(host, place)
  const abort = (): void => client.fail(aborted(signal!))
  signal?.addEventListener('abort', abort)
  if (place === 'idb') closeWhenLeft(client, host)
  const answer = ask()
  try {
    const source = wasmSource(options)
    if (host === 'worker') {
      client.connect(startWorker(source, options.workerUrl, client))
    } else {
      startInline(source, client).then(
        (transport) => client.connect(transport),
        (error: unknown) => client.fail(asVarveError(error)),
      )
    }
    return await answer
  } catch (error) {
    // Also when it has failed: the answer may never come then.
    answer.catch(() => undefined)
    const failure = asVarveError(error)
    client.fail(failure)
    throw failure
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

function requirePlatform(host: string, place: Place): void {
  const missing: string[] = []
  const globals = globalThis as { indexedDB?: unknown; Worker?: unknown; navigator?: { locks?: unknown } }
  if (place === 'idb' && !globals.indexedDB) missing.push("IndexedDB (storage 'memory' does without)")
  if (place === 'idb' && !globals.navigator?.locks) missing.push('Web Locks (they need HTTPS or localhost)')
  if (host === 'worker' && !globals.Worker) missing.push("Worker (open the store with host 'inline')")
  if (typeof WebAssembly === 'undefined') missing.push('WebAssembly')
  if (missing.length > 0) {
    throw new VarveError('UNSUPPORTED', `A store can't be opened here: there is no ${missing.join(', no ')}.`)
  }
}
