import type { Client } from '../client.js'
import type { ResponseReader } from '../frame.js'
import type { Key } from '../keys.js'
import { Reads, sharedBy, type Shared } from '../reads.js'
import { unstored } from './data.js'

/** What encodings of Level turn keys and values into. @internal */
export type Format = 'utf8' | 'view'

/** Something for each format. @internal */
export interface Formats<Text, Bytes> {
  readonly utf8: Text
  readonly view: Bytes
}

type Read<T> = (response: ResponseReader) => T

/** How a key is read from a response. @internal */
export const readKey: Formats<Read<string>, Read<Uint8Array>> = {
  utf8: (response) => unstored(textOf(response, 'key')),
  view: (response) => unstored(response.keyBytes()),
}

/** How a value is read from a response. @internal */
export const readValue: Formats<Read<string>, Read<Uint8Array>> = {
  utf8: (response) => textOf(response, 'value'),
  view: (response) => response.valueBytes(),
}

// Throughout Level, bytes that are no text read as U+FFFD.
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })

function textOf(response: ResponseReader, what: 'key' | 'value'): string {
  try {
    return what === 'key' ? response.keyText() : response.valueText()
  } catch {
    return lossy.decode(what === 'key' ? response.keyBytes() : response.valueBytes())
  }
}

/** Reads values in one format, from a store or from a snapshot of it. @internal */
export class Reader<V> extends Reads<Key, V> {
  constructor(shared: Shared<Key, V>, handle: number) {
    super(shared, handle)
  }
}

/** @internal */
export type Readers = Formats<Reader<string>, Reader<Uint8Array>>

/** The readers of a store. @internal */
export function readersOf(client: Client): Readers {
  const shared = <V extends Key>(decode: Read<V>) =>
    sharedBy<Key, V>(client, { tag: () => '', encode: (value) => value, decode }, readKey.view)
  return { utf8: new Reader(shared(readValue.utf8), 0), view: new Reader(shared(readValue.view), 0) }
}

/** The same for a snapshot of the store. @internal */
export function readersIn({ utf8, view }: Readers, snapshot: number): Readers {
  return { utf8: new Reader(utf8.shared, snapshot), view: new Reader(view.shared, snapshot) }
}
