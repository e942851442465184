import { VarveError } from 'varve'
import { startConsole } from './console-panel'
import { byId } from './dom'
import { startLake } from './lake-panel'
import { keepPage } from './offline'
import { startPlaces } from './places-panel'
import { Session, destroyStore } from './session'
import { showTrouble } from './trouble'
import { startUpkeep } from './upkeep-panel'

async function start(): Promise<void> {
  byId('opening', HTMLElement).textContent = 'Opening the store…'
  let session: Session
  try {
    session = await Session.open()
  } catch (error) {
    explain(error)
    return
  }
  byId('main', HTMLElement).inert = false
  startLake(session)
  startConsole(session)
  startUpkeep(session)
  startPlaces(session)
}

/** Says why the store did not open, with the ways on from there. */
function explain(error: unknown): void {
  byId('opening', HTMLElement).textContent = 'The store is not open.'
  const again = { label: 'Try again', run: start }
  const destroy = { label: 'Destroy the store', run: () => destroyStore().then(start, explain) }
  const damaged = error instanceof VarveError && error.code === 'CORRUPT'
  showTrouble(error, ...(damaged ? [destroy, again] : [again]))
}

void start().then(keepPage)
