import { byId, showOnly } from './dom'
import { duration, number } from './format'
import { loadPlaces } from './load'
import type { Session } from './session'
import { showTrouble } from './trouble'

/** The offer to load the places, and the progress of the load. */
export function startLoad(session: Session): { show(loaded: number): void; running(): boolean } {
  const welcome = byId('welcome', HTMLElement)
  const loading = byId('loading', HTMLElement)
  const said = byId('loading-said', HTMLElement)
  const begin = byId('load', HTMLButtonElement)
  const stop = byId('cancel', HTMLButtonElement)
  const progress = new Progress()
  let loaded = 0
  let running: AbortController | undefined

  const reach = (n: number) => {
    if (progress.reach(n)) session.changed()
  }
  const load = async () => {
    running = new AbortController()
    const signal = AbortSignal.any([running.signal, session.ends])
    showOnly(loading, [welcome, loading])
    stop.focus()
    said.textContent = 'Loading the places.'
    said.classList.add('unseen')
    progress.begin(loaded)
    try {
      await loadPlaces(session.store, PLACES_URL, loaded, signal, reach)
      said.textContent = progress.summary()
    } catch (error) {
      if (!signal.aborted) showTrouble(error)
      said.textContent = 'Stopped.'
    } finally {
      running = undefined
      said.classList.remove('unseen')
      session.changed()
    }
  }

  begin.addEventListener('click', () => void load())
  stop.addEventListener('click', () => running?.abort())

  return {
    running: () => running !== undefined,
    show(n) {
      loaded = n
      if (running) return
      const focused = stop === document.activeElement
      loading.hidden = true
      welcome.hidden = loaded >= PLACES_COUNT
      if (focused) (welcome.hidden ? byId('places', HTMLElement) : begin).focus({ preventScroll: true })
      if (loaded === 0) said.textContent = ''
      invite(loaded)
    },
  }
}

function invite(loaded: number): void {
  const text = byId('welcome-text', HTMLElement)
  const button = byId('load', HTMLButtonElement)
  if (loaded === 0) {
    text.textContent = `The store is empty. Fill it with the ${number(PLACES_COUNT)} towns and villages `
      + 'that GeoNames knows, and search them as you type. They stay in this browser until you destroy them.'
    button.textContent = `Load ${number(PLACES_COUNT)} places`
  } else {
    text.textContent = `${number(loaded)} of ${number(PLACES_COUNT)} places have been loaded.`
    button.textContent = 'Load the rest'
  }
}

/** The progress bar, and the rate since the load began. */
class Progress {
  readonly #bar = byId('progress', HTMLProgressElement)
  readonly #count = byId('progress-count', HTMLElement)
  readonly #rate = byId('progress-rate', HTMLElement)
  #first = 0
  #last = 0
  #began = 0
  #told = 0

  begin(loaded: number): void {
    this.#first = this.#last = loaded
    this.#began = this.#told = 0
    this.#bar.max = PLACES_COUNT
    this.#bar.value = loaded
    this.#count.textContent = 'Fetching…'
    this.#rate.textContent = ''
  }

  /** Shows a new figure, and says about once a second that it is time to tell others. */
  reach(loaded: number): boolean {
    const now = performance.now()
    // The clock starts at the first batch: what came before it was the network.
    if (this.#began === 0) {
      this.#began = now
      this.#first = loaded
    }
    this.#last = loaded
    this.#bar.value = loaded
    this.#count.textContent = `${number(loaded)} of ${number(PLACES_COUNT)}`
    if (now > this.#began) this.#rate.textContent = `${number(this.#perSecond(now))} records a second`
    if (now - this.#told < 1000) return false
    this.#told = now
    return true
  }

  summary(): string {
    const now = performance.now()
    return `${number(this.#last)} places loaded, in ${duration(now - this.#began)}: `
      + `${number(this.#perSecond(now))} records a second.`
  }

  #perSecond(now: number): number {
    return Math.round((this.#last - this.#first) / Math.max(now - this.#began, 1) * 1000)
  }
}
