import { openVarve } from './varve.js'

export function open(name) {
  return openVarve(name, { host: 'inline' })
}
