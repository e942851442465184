import { AbstractSnapshot } from 'abstract-level'
import type { Snapshot } from '../snapshot.js'
import { readersIn, type Readers } from './formats.js'

/** What is held of a snapshot. @internal */
export type Handle = Pick<Snapshot, 'handle' | 'close'>

// Its types leave out the constructor.
const Base = AbstractSnapshot as new (options: object) => AbstractSnapshot

/** An explicit snapshot. @internal */
export class LevelSnapshot extends Base {
  readonly readers: Readers
  readonly #snapshot: Handle

  constructor(options: object, snapshot: Handle, readers: Readers) {
    super(options)
    this.readers = readersIn(readers, snapshot.handle)
    this.#snapshot = snapshot
  }

  _close(): Promise<void> {
    return release(this.#snapshot)
  }
}

/** Closes a snapshot. It is closed as well if that fails: the engine has ended. @internal */
export async function release(snapshot: Handle): Promise<void> {
  await snapshot.close().catch(() => undefined)
}
