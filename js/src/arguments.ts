import { invalid, type VarveError } from './errors.js'

/** Says why an argument can't be one. @internal */
export function refusal(what: string, value: unknown, instead: string): VarveError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : typeof value === 'number' ? value : kindOf(value)
  return invalid(`${what} is ${shown}; it ${instead}.`)
}

/** @internal */
export function requireArray(value: unknown, what: string): void {
  if (!Array.isArray(value)) throw refusal(what, value, 'has to be an array')
}

/** Refuses what would be taken for an object that says nothing, as the prefix itself for a range. @internal */
export function requireObject(value: unknown, what: string, such = ''): void {
  if (!value || typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw refusal(what, value, `has to be an object${such}`)
  }
}

/** @internal */
export function requireSignal(signal: AbortSignal | undefined): void {
  if (signal && !signal.addEventListener) throw refusal('signal', signal, 'has to be an AbortSignal')
}

/** Names the type of a value in an error message. @internal */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') {
    const name = (value.constructor as { name?: string } | undefined)?.name
    return name ? `a value of type ${name}` : 'an object'
  }
  if (value === undefined) return 'undefined'
  return `a ${typeof value}`
}
