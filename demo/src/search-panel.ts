import { byId, element } from './dom'
import { coordinates, count, countryName, duration } from './format'
import { fold } from './fold'
import { PLACE_PREFIX, type Place } from './places'
import type { Session } from './session'
import { showTrouble } from './trouble'

const LIMIT = 100

/** The search by the beginning of a name, one range scan for each keystroke. */
export function startSearch(session: Session): { show(loaded: number, loading: boolean): void } {
  const panel = byId('search', HTMLElement)
  const query = byId('query', HTMLInputElement)
  let typed = 0

  const search = async () => {
    const mine = ++typed
    const { ends } = session
    const prefix = PLACE_PREFIX + fold(query.value)
    try {
      const began = performance.now()
      const rows = await session.store.scan({ prefix, limit: LIMIT + 1 }).toArray()
      const took = performance.now() - began
      if (mine === typed) showResults(rows as [string, Place][], took)
    } catch (error) {
      if (mine === typed && !ends.aborted) showTrouble(error)
    }
  }

  query.addEventListener('input', () => void search())
  return {
    show(loaded, loading) {
      const appears = panel.hidden && loaded > 0
      panel.hidden = loaded === 0
      // During a load the results stand still until something is typed.
      if (appears || (loaded > 0 && !loading)) void search()
    },
  }
}

function showResults(rows: readonly [string, Place][], took: number): void {
  const shown = rows.slice(0, LIMIT)
  const many = rows.length > LIMIT ? `the first ${count(LIMIT, 'place')}` : count(rows.length, 'place')
  byId('found', HTMLElement).textContent = `${many} in ${duration(took)}`
  byId('results', HTMLOListElement).replaceChildren(...shown.map(([key, place]) => result(key, place)))
}

function result(key: string, place: Place): HTMLLIElement {
  const code = element('span', 'country', place.country)
  code.ariaHidden = 'true'
  const where = [place.region, countryName(place.country)].filter((part) => part !== '').join(', ')
  const button = element('button', '',
    code,
    element('span', 'name', place.name),
    element('span', 'where', where),
    element('span', 'coordinates', coordinates(place.lat, place.lng)))
  button.type = 'button'
  button.title = key
  button.dataset['key'] = key
  return element('li', '', button)
}
