import { byId } from './dom'
import { duration, number } from './format'
import { startLoad } from './load-panel'
import { loadedPlaces } from './places'
import { startSearch } from './search-panel'
import type { Session } from './session'
import { showTrouble } from './trouble'

/** The places: an offer to load them while there are some to load, a search once there are any. */
export function startPlaces(session: Session): void {
  const opening = byId('opening', HTMLElement)
  const count = byId('places-count', HTMLElement)
  const load = startLoad(session)
  const search = startSearch(session)
  let opened = `, opened in ${duration(session.openedIn)}`

  const update = async () => {
    const { ends } = session
    try {
      const loaded = await loadedPlaces(session.store)
      opening.hidden = true
      count.textContent = loaded > 0 ? `${number(loaded)} stored${opened}` : ''
      load.show(loaded)
      search.show(loaded, load.running())
    } catch (error) {
      if (!ends.aborted) showTrouble(error)
    }
  }
  session.onChange(() => {
    opened = ''
    void update()
  })
  void update()
}
