/**
 * What went wrong, for programs:
 *
 * | code | meaning |
 * |---|---|
 * | `CLOSED` | The store, snapshot or scan has been closed, its engine has stopped, or its page was left. |
 * | `LOCKED` | Another tab or worker has the store open, or this page itself, by another `open`. |
 * | `NO_SPACE` | The browser grants no more space. `fields`: `wanted`, `available`, in bytes. |
 * | `CORRUPT` | Stored bytes are not what was written, or the browser threw them away. `fields`: `file`, `offset`, `reason`. |
 * | `INVALID_ARGUMENT` | The call can't be carried out as asked; the message says why. |
 * | `NOT_FOUND` | There is no such store, and `createIfMissing` is false. |
 * | `EXISTS` | There is such a store, and `errorIfExists` is true or `from` is given. |
 * | `ABORTED` | The `AbortSignal` of the call was aborted; its reason is the `cause`. |
 * | `UNSUPPORTED` | This environment lacks what is needed. |
 * | `IO` | The browser failed to read or write, or what was fetched is not the engine. |
 */
export type ErrorCode =
  | 'CLOSED'
  | 'LOCKED'
  | 'NO_SPACE'
  | 'CORRUPT'
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'EXISTS'
  | 'ABORTED'
  | 'UNSUPPORTED'
  | 'IO'

/** The facts of an error, such as `file` and `offset` of a `CORRUPT` one. */
export type ErrorFields = Readonly<Record<string, string | number>>

/** Every error of this package. Programs tell them apart by `code`. */
export class VarveError extends Error {
  /** What went wrong. It doesn't change from version to version, as messages do. */
  readonly code: ErrorCode
  /** The facts, by the names that {@link ErrorCode} lists; empty if there are none. */
  readonly fields: ErrorFields

  /** Programs get errors; this is for their tests. */
  constructor(code: ErrorCode, message: string, details: { fields?: ErrorFields; cause?: unknown } = {}) {
    super(message, details)
    this.name = 'VarveError'
    this.code = code
    this.fields = details.fields ?? {}
  }
}

/** @internal */
export function invalid(message: string, cause?: unknown): VarveError {
  return new VarveError('INVALID_ARGUMENT', message, cause === undefined ? {} : { cause })
}

/** Gives an error of any kind the form of this package's. @internal */
export function asVarveError(error: unknown, code: ErrorCode = 'IO'): VarveError {
  if (error instanceof VarveError) return error
  return new VarveError(code, error instanceof Error ? error.message : String(error), { cause: error })
}

/** @internal */
export function aborted(signal: AbortSignal): VarveError {
  return new VarveError('ABORTED', 'The signal of the call was aborted.', { cause: signal.reason })
}
