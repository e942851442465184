/**
 * How places are stored. A place is a JSON value at
 *
 *     place/<folded name>/<country>/<number>
 *
 * so that a prefix of the name is a prefix of the key. Every batch of the load also writes the
 * number of places loaded so far: batches are atomic, so the number is always true.
 */
import type { Store } from 'varve'
import { fold } from './fold'

export interface Place {
  readonly name: string
  readonly country: string
  readonly region: string
  readonly lat: number
  readonly lng: number
}

export const PLACE_PREFIX = 'place/'
export const LOADED_KEY = 'loaded'

export function placeKey(place: Place, number: number): string {
  return `${PLACE_PREFIX}${fold(place.name).replace(/_$/, '')}/${place.country}/${number.toString().padStart(6, '0')}`
}

/** Reads a line of the places file. */
export function parsePlace(line: string): Place {
  const [name = '', country = '', region = '', lat = '', lng = ''] = line.split('\t')
  return { name, country, region, lat: Number(lat), lng: Number(lng) }
}

/** Whether a value is a place: any value can be put at a key of a place, too. */
export function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null) return false
  const { name, country, region, lat, lng } = value as Partial<Record<keyof Place, unknown>>
  return [name, country, region].every((text) => typeof text === 'string')
    && [lat, lng].every((degrees) => typeof degrees === 'number')
}

/** The number of places that have been loaded. */
export async function loadedPlaces(store: Store): Promise<number> {
  const loaded = await store.get(LOADED_KEY)
  return typeof loaded === 'number' ? loaded : 0
}
