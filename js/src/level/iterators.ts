import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator } from 'abstract-level'
import { RequestFlag, type ResponseReader } from '../frame.js'
import type { Key } from '../keys.js'
import { Cursor, type CursorOptions, type Progress } from './cursor.js'
import { readKey, readValue, type Format, type Readers } from './formats.js'

/** @internal */
export interface IteratorOptions extends CursorOptions {
  keys?: boolean
  values?: boolean
  keyEncoding: Format
  valueEncoding: Format
}

/** What an iterator asks of the engine, and makes of the answer. */
interface Items<T> {
  mode: number
  read: (response: ResponseReader) => T
}

type AnyIterator = new (level: never, options: never) => Progress

/** Makes a class of iterators of one of Level's. */
function iterates<T>(Base: AnyIterator, itemsOf: (options: IteratorOptions) => Items<T>) {
  return class extends Base {
    readonly #cursor: Cursor<T>

    constructor(level: object, options: IteratorOptions, readers: Readers) {
      super(level as never, options as never)
      const { mode, read } = itemsOf(options)
      this.#cursor = new Cursor(readers, options, this, mode, read)
    }

    _next(): Promise<T | undefined> {
      return this.#cursor.next()
    }

    _nextv(size: number): Promise<T[]> {
      return this.#cursor.nextv(size)
    }

    _all(): Promise<T[]> {
      return this.#cursor.all()
    }

    _seek(target: Key): void {
      this.#cursor.seek(target)
    }

    _close(): Promise<void> {
      return this.#cursor.close()
    }
  }
}

type LevelEntry = [key: Key | undefined, value: Key | undefined]

/** @internal */
export class EntryIterator extends iterates(AbstractIterator, ({ keys, values, keyEncoding, valueEncoding }): Items<LevelEntry> => {
  const [key, value] = [readKey[keyEncoding], readValue[valueEncoding]]
  if (values === false) return { mode: RequestFlag.keysOnly, read: (response) => [keys === false ? undefined : key(response), undefined] }
  if (keys === false) return { mode: RequestFlag.valuesOnly, read: (response) => [undefined, value(response)] }
  return { mode: 0, read: (response) => [key(response), value(response)] }
}) {}

/** @internal */
export class KeyIterator extends iterates<Key>(AbstractKeyIterator, ({ keyEncoding }) => ({
  mode: RequestFlag.keysOnly,
  read: readKey[keyEncoding],
})) {}

/** @internal */
export class ValueIterator extends iterates<Key>(AbstractValueIterator, ({ valueEncoding }) => ({
  mode: RequestFlag.valuesOnly,
  read: readValue[valueEncoding],
})) {}
