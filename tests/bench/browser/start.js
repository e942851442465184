// The page whose start is timed: it has nothing but a library, and reads one record.

import { open } from 'peer'

const { store, key } = Object.fromEntries(new URLSearchParams(location.search))
const subject = await open(store)
const value = await subject.get(key)
const ms = performance.now()
await subject.close()
export const start = { ms, value }
