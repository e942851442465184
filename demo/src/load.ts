import type { BatchOperation, Store } from 'varve'
import { lines } from './lines'
import { LOADED_KEY, parsePlace, placeKey } from './places'

const BATCH = 1000

/**
 * Loads the places file into the store, from the place after the last one loaded, in atomic
 * batches. Ends early, with the batches written so far, when `signal` is aborted.
 */
export async function loadPlaces(
  store: Store,
  url: string,
  loaded: number,
  signal: AbortSignal,
  onProgress: (loaded: number) => void,
): Promise<void> {
  const response = await fetch(url, { signal }).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw new Error('The places could not be fetched: the network is needed for that, once.', { cause })
  })
  if (!response.ok || !response.body) {
    throw new Error(`The places could not be fetched: ${response.status} ${response.statusText}`)
  }

  let number = 0
  let batch: BatchOperation[] = []
  const write = async () => {
    batch.push({ type: 'put', key: LOADED_KEY, value: number })
    await store.batch(batch)
    batch = []
    onProgress(number)
  }

  for await (const line of lines(response.body)) {
    if (number++ < loaded) continue
    const place = parsePlace(line)
    batch.push({ type: 'put', key: placeKey(place, number), value: place })
    if (batch.length === BATCH) {
      await write()
      signal.throwIfAborted()
    }
  }
  if (batch.length > 0) await write()
}
