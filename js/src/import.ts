// Pages load this only when they import, and it imports nothing, lest the bundle be cut up for it.

/**
 * An archive of a store: what `export()` gave, or a tar of a directory of LevelDB files. It is not
 * compressed: of one that is, give `stream.pipeThrough(new DecompressionStream('gzip'))`.
 */
export type ArchiveSource = Blob | Response | ReadableStream<Uint8Array> | Uint8Array

/** So many bytes travel to the engine at once; it takes them before the next. */
const PIECE = 256 << 10

type Give = (piece: Uint8Array) => Promise<void>

/**
 * Checks the source, and returns what gives it, piece by piece, each when the one before has been
 * taken; an empty one is the end.
 *
 * @internal
 */
export function importer(
  from: ArchiveSource,
  invalid: (message: string) => Error,
  kindOf: (value: unknown) => string,
): (signal: AbortSignal | undefined, ended: AbortSignal, give: Give) => Promise<void> {
  const refuse: Refuse = (what, why) => invalid(`The archive that from should give is ${kindOf(what)}: ${why}.`)
  const stream = archiveStream(from, refuse)
  return async (signal, ended, give) => {
    await feed(stream, signal, ended, give, refuse)
    await give(new Uint8Array(0))
  }
}

/** Makes the error for what can't be an archive. */
type Refuse = (what: unknown, why: string) => Error

function archiveStream(from: ArchiveSource, refuse: Refuse): ReadableStream<Uint8Array> {
  if (from instanceof Response) {
    if (!from.ok) throw refuse(from, `its status is ${from.status}`)
    from = from.body ?? new Uint8Array(0)
  }
  if (from instanceof Uint8Array) from = new Blob([from as BlobPart])
  const stream = from instanceof Blob ? from.stream() : from
  if (!(stream instanceof ReadableStream)) {
    throw refuse(from, 'it has to be a Blob, a Response, a ReadableStream or a Uint8Array')
  }
  if (stream.locked) throw refuse(from, 'it is being read by somebody else')
  return stream
}

/** Gives what the stream gives, until the signal is aborted, or the engine has ended: then `give` fails. */
async function feed(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
  ended: AbortSignal,
  give: Give,
  refuse: Refuse,
): Promise<void> {
  const reader = stream.getReader()
  // A source may give nothing for as long as it likes.
  const stop = (): void => void reader.cancel(signal?.reason).catch(() => undefined)
  const ends = [signal, ended]
  for (const end of ends) end?.addEventListener('abort', stop)
  try {
    if (ends.some((end) => end?.aborted)) stop()
    for (;;) {
      const { done, value } = await reader.read()
      signal?.throwIfAborted()
      if (done) return
      if (!(value instanceof Uint8Array)) throw refuse(value, 'the stream has to give Uint8Arrays')
      for (let at = 0; at < value.length; at += PIECE) await give(value.subarray(at, at + PIECE))
    }
  } catch (error) {
    reader.cancel(error).catch(() => undefined)
    throw error
  } finally {
    for (const end of ends) end?.removeEventListener('abort', stop)
  }
}
