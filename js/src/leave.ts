import type { Client } from './client.js'
import { VarveError } from './errors.js'
import type { EngineOptions } from './options.js'

/**
 * Closes the client's store when its page is left and kept for when the user comes back: WebKit
 * would keep the store locked with it. An engine in this thread has released its lock by itself
 * then, and is closed on the return: transactions begun before would lie still with the page, and
 * whoever else opens the store would wait for them.
 *
 * @internal
 */
export function closeWhenLeft(client: Client, host: NonNullable<EngineOptions['host']>): void {
  const { addEventListener } = globalThis as { addEventListener?: Window['addEventListener'] } // not in Node
  addEventListener?.(host === 'worker' ? 'pagehide' : 'pageshow', ({ persisted }) => {
    if (persisted) client.fail(new VarveError('CLOSED', 'The page was left; open the store again.'))
  }, { signal: client.ended.signal })
}
