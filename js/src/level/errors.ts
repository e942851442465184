import { VarveError, type ErrorCode } from '../errors.js'

/** An error with a code of the Level ecosystem. Its cause, if it has one, is the `VarveError`. */
export class LevelError extends Error {
  readonly code: string

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    // Code for the web tells an aborted call by this name.
    this.name = code === 'LEVEL_ABORTED' ? 'AbortError' : 'LevelError'
    this.code = code
  }
}

/** Those of `open` that are missing here have no code in Level, and stay as they are. */
const codes: Partial<Record<ErrorCode, string>> = {
  CLOSED: 'LEVEL_DATABASE_NOT_OPEN',
  LOCKED: 'LEVEL_LOCKED',
  NO_SPACE: 'LEVEL_IO_ERROR',
  CORRUPT: 'LEVEL_CORRUPTION',
  ABORTED: 'LEVEL_ABORTED',
  UNSUPPORTED: 'LEVEL_NOT_SUPPORTED',
  IO: 'LEVEL_IO_ERROR',
}

/** Gives an error of the store the code by which Level knows it. @internal */
export function levelError(error: unknown): unknown {
  if (!(error instanceof VarveError)) return error
  const code = codes[error.code]
  return code === undefined ? error : new LevelError(code, error.message, error)
}

/** For `catch`: fails with the error as Level knows it. @internal */
export function rethrow(error: unknown): never {
  throw levelError(error)
}
