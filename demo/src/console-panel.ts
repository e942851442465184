import { byId, element } from './dom'
import { count, duration, written } from './format'
import type { Session } from './session'
import { adviceOn } from './trouble'

interface Answer {
  readonly text: string
  readonly rows?: readonly (readonly [key: string, value: unknown])[]
}

/** get, put, del and scan on any key, each with the time it took. */
export function startConsole(session: Session): void {
  const form = byId('console-form', HTMLFormElement)
  const run = byId('run', HTMLButtonElement)

  form.addEventListener('change', () => showFields(form))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void perform(session, verbOf(form))
  })
  byId('results', HTMLElement).addEventListener('click', (event) => {
    const key = event.target instanceof Element ? event.target.closest('button')?.dataset['key'] : undefined
    if (key === undefined) return
    field('key').value = key
    const get = form.querySelector<HTMLInputElement>('input[value=get]')
    if (get) get.checked = true
    showFields(form)
    run.focus()
    void perform(session, 'get')
  })
  showFields(form)
}

async function perform(session: Session, verb: string): Promise<void> {
  const { ends } = session
  ends.addEventListener('abort', hideAnswer)
  const began = performance.now()
  try {
    const answer = await ask(session, verb)
    if (ends.aborted) return
    show(`${answer.text} in ${duration(performance.now() - began)}`, answer.rows ?? [])
    if (verb === 'put' || verb === 'del') session.changed()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (!ends.aborted) show(`${adviceOn(error).title} ${reason}`, [])
  }
}

async function ask({ store }: Session, verb: string): Promise<Answer> {
  const key = field('key').value
  switch (verb) {
    case 'put':
      await store.put(key, parsed(byId('value', HTMLTextAreaElement).value))
      return { text: `put ${key}` }
    case 'del':
      await store.del(key)
      return { text: `deleted ${key}` }
    case 'scan': {
      const from = field('from').value
      const to = field('to').value
      const rows = await store.scan({
        ...(from !== '' && { gte: from }),
        ...(to !== '' && { lt: to }),
        limit: field('limit').valueAsNumber,
        reverse: field('reverse').checked,
      }).toArray() as [string, unknown][]
      return { text: count(rows.length, 'entry', 'entries'), rows }
    }
    default: {
      const value = await store.get(key)
      return value === undefined
        ? { text: `nothing at ${key}` }
        : { text: `got ${key}`, rows: [[key, value]] }
    }
  }
}

function show(text: string, rows: readonly (readonly [string, unknown])[]): void {
  const answer = byId('answer', HTMLElement)
  answer.hidden = false
  const list = element('dl', 'entries')
  for (const [key, value] of rows) {
    list.append(element('dt', '', key), element('dd', '', written(value)))
  }
  answer.replaceChildren(element('p', 'took', text), list)
  answer.scrollTop = 0
}

function hideAnswer(): void {
  byId('answer', HTMLElement).hidden = true
}

/** Shows the fields that the chosen verb needs. The others are disabled: a form checks hidden ones, too. */
function showFields(form: HTMLFormElement): void {
  const verb = verbOf(form)
  byId('run', HTMLButtonElement).textContent = verb
  for (const fields of form.querySelectorAll<HTMLElement>('[data-verbs]')) {
    fields.hidden = !fields.dataset['verbs']?.split(' ').includes(verb)
    for (const one of fields.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('input, textarea')) {
      one.disabled = fields.hidden
    }
  }
}

function verbOf(form: HTMLFormElement): string {
  return String(new FormData(form).get('verb'))
}

function field(id: string): HTMLInputElement {
  return byId(id, HTMLInputElement)
}

/** JSON where it is JSON, else the text itself. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
