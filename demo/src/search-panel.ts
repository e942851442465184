import { byId, element } from './dom'
import { coordinates, count, countryName, duration, written } from './format'
import { fold } from './fold'
import { PLACE_PREFIX, isPlace, type Place } from './places'
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
      if (mine === typed) showResults(rows as [string, unknown][], took)
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

function showResults(rows: readonly [string, unknown][], took: number): void {
  const shown = rows.slice(0, LIMIT)
  const number = (n: number) => shown.every(([, value]) => isPlace(value)) ? count(n, 'place') : count(n, 'entry', 'entries')
  const many = rows.length > LIMIT ? `the first ${number(LIMIT)}` : number(rows.length)
  byId('found', HTMLElement).textContent = `${many} in ${duration(took)}`
  byId('results', HTMLOListElement).replaceChildren(...shown.map(([key, value]) => result(key, value)))
}

function result(key: string, value: unknown): HTMLLIElement {
  const button = element('button', '', ...(isPlace(value) ? partsOf(value) : plain(key, value)))
  button.type = 'button'
  button.title = key
  button.dataset['key'] = key
  return element('li', '', button)
}

function partsOf(place: Place): HTMLElement[] {
  const code = element('span', 'country', place.country)
  code.ariaHidden = 'true'
  const where = [place.region, countryName(place.country)].filter((part) => part !== '').join(', ')
  return [
    code,
    element('span', 'name', place.name),
    element('span', 'where', where),
    element('span', 'coordinates', coordinates(place.lat, place.lng)),
  ]
}

/** What is no place is shown as it was put. */
function plain(key: string, value: unknown): HTMLElement[] {
  return [element('span', 'name mono', key), element('span', 'where plain', written(value))]
}
