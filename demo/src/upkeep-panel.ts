import { byId } from './dom'
import { bytes, count, duration } from './format'
import type { Session } from './session'
import { showTrouble } from './trouble'

/** Compact, verify and destroy. */
export function startUpkeep(session: Session): void {
  button('compact', async () => {
    await session.store.compact()
    session.changed()
    return 'Compacted'
  })
  button('verify', async () => {
    const report = await session.store.verify()
    return `All well: ${count(report.files, 'file')}, ${bytes(report.bytes)}, ${count(report.entries, 'entry', 'entries')} checked`
  })
  button('destroy', async () => {
    if (!await confirmed()) return undefined
    await session.destroy()
    return 'Destroyed'
  })
}

/**
 * Runs an action when its button is pressed; meanwhile no other can be started. The buttons are
 * not `disabled` then, which would take the focus from the one that was pressed.
 */
function button(id: string, action: () => Promise<string | undefined>): void {
  const pressed = byId(id, HTMLButtonElement)
  const said = byId('upkeep-said', HTMLElement)
  const all = [...byId('upkeep', HTMLElement).querySelectorAll('button')]

  pressed.addEventListener('click', async () => {
    if (pressed.ariaDisabled === 'true') return
    for (const one of all) one.ariaDisabled = 'true'
    pressed.ariaBusy = 'true'
    said.textContent = ''
    const began = performance.now()
    try {
      const done = await action()
      if (done !== undefined) said.textContent = `${done} in ${duration(performance.now() - began)}.`
    } catch (error) {
      showTrouble(error)
    } finally {
      pressed.ariaBusy = 'false'
      for (const one of all) one.ariaDisabled = 'false'
    }
  })
}

function confirmed(): Promise<boolean> {
  const dialog = byId('confirm', HTMLDialogElement)
  dialog.returnValue = 'cancel'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'destroy'), { once: true })
  })
}
