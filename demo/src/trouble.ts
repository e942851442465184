import { VarveError } from 'varve'
import { byId, element } from './dom'

export interface Remedy {
  readonly label: string
  readonly run: () => void | Promise<void>
}

interface Advice {
  readonly title: string
  readonly text: string
  /** It says all that the error's own message says, which would only repeat it. */
  readonly complete?: true
}

const ADVICE: Readonly<Record<string, Advice>> = {
  LOCKED: {
    title: 'The playground is open in another tab.',
    text: 'Only one tab at a time may hold the store. Close the other one, then try again.',
    complete: true,
  },
  NO_SPACE: {
    title: 'There is no space left for this page.',
    text: 'What is stored can still be read. Free some space on this device, or destroy the store.',
  },
  CORRUPT: {
    title: 'Some stored bytes are damaged.',
    text: 'They are never shown as data. Destroy the store and load the places again.',
  },
  UNSUPPORTED: {
    title: 'The engine can’t run here.',
    text: 'It needs IndexedDB, Web Locks and WebAssembly, over HTTPS or on localhost.',
  },
  IO: {
    title: 'The browser could not read or write its storage.',
    text: 'Reload the page. If that does not help, restart the browser.',
  },
  CLOSED: { title: 'The store has been closed.', text: 'Reload the page to open it again.' },
  INVALID_ARGUMENT: { title: 'That can’t be stored or looked up.', text: 'Change it and try again.' },
}

export function adviceOn(error: unknown): Advice {
  const known = error instanceof VarveError ? ADVICE[error.code] : undefined
  return known ?? { title: 'Something went wrong.', text: 'Reload the page and try again.' }
}

/** Shows an error in plain words, with what can be done about it. */
export function showTrouble(error: unknown, ...remedies: Remedy[]): void {
  const box = byId('trouble', HTMLElement)
  const { title, text, complete } = adviceOn(error)
  const ways = remedies.length > 0 ? remedies : [{ label: 'Dismiss', run: () => undefined }]
  const buttons = ways.map(({ label, run }) => {
    const button = element('button', '', label)
    button.type = 'button'
    button.addEventListener('click', async () => {
      box.hidden = true
      await run()
      // The button that had the focus is gone, unless there is trouble again.
      const next = box.hidden ? byId('places', HTMLElement) : box.querySelector('button')
      next?.focus({ preventScroll: true })
    })
    return button
  })
  const details = complete ? [] : [element('p', 'detail', error instanceof Error ? error.message : String(error))]
  box.replaceChildren(element('h2', '', title), element('p', '', text), ...details, element('p', 'actions', ...buttons))
  box.hidden = false
}
