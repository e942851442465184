/**
 * Frames: the packed form in which requests reach the engine, and responses come back.
 * The picture of a frame is in the comment of the Go package `wasm/frame`; this is its other end.
 */

/** @internal */
export const Op = {
  open: 1,
  close: 2,
  get: 3,
  has: 4,
  put: 5,
  del: 6,
  clear: 7,
  scanOpen: 8,
  scanNext: 9,
  scanClose: 10,
  snapOpen: 11,
  snapClose: 12,
  flush: 13,
  compact: 14,
  stats: 15,
  verify: 16,
  destroy: 17,
  list: 18,
  export: 19,
  import: 20,
} as const

/** The flag of a header that the next one belongs to. @internal */
export const MORE = 1

/** Flags of a request. @internal */
export const RequestFlag = { keysOnly: 2, valuesOnly: 4, reverse: 8, upperBound: 16 } as const

/** Flags of a response. @internal */
export const ResponseFlag = { keyASCII: 2, valueASCII: 4, absent: 8, end: 16 } as const

/** The limit of a scan that has none. @internal */
export const NO_LIMIT = 0xffffffff

const COUNT_LENGTH = 4
const HEADER_LENGTH = 20
const KEY_LENGTH = 12
const VALUE_LENGTH = 16

/** @internal */
export const encoder = new TextEncoder()
/** @internal */
export const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
// Gives every byte one character, and those below 128 the right one.
const latin1 = new TextDecoder('latin1')

/**
 * Packs requests. Strings that follow each other are joined and encoded in one call, which
 * costs half of a call for each.
 *
 * @internal
 */
export class RequestWriter {
  #headers = new Uint8Array(1024)
  #view = new DataView(this.#headers.buffer)
  #headersEnd = COUNT_LENGTH
  #kept = COUNT_LENGTH // the end of the last request that was ended
  #body = new Uint8Array(4096)
  #bodyEnd = 0
  #run: string[] = []
  #runFields: number[] = [] // the length field that each string of the run counts in
  #runLength = 0

  get empty(): boolean {
    return this.#headersEnd === COUNT_LENGTH
  }

  /** About the length of the frame: strings not yet encoded count a byte a character. */
  get size(): number {
    return this.#headersEnd + this.#bodyEnd + this.#runLength
  }

  /**
   * Adds a header and its bytes, which are copied. The value is `tag` followed by `value`. It belongs
   * to one request with all that was added since `keep`.
   */
  add(
    op: number,
    flags: number,
    durability: number,
    id: number,
    handle: number,
    key: string | Uint8Array,
    tag: string,
    value: string | Uint8Array,
  ): void {
    const at = this.#headersEnd
    if (at > this.#kept) this.#headers[at - HEADER_LENGTH + 1]! |= MORE
    if (at + HEADER_LENGTH > this.#headers.length) this.#setHeaders(grown(this.#headers, at + HEADER_LENGTH))
    const view = this.#view
    view.setUint32(at, op | (flags << 8) | (durability << 16), true)
    view.setUint32(at + 4, id, true)
    view.setUint32(at + 8, handle, true)
    view.setUint32(at + KEY_LENGTH, key.length, true)
    view.setUint32(at + VALUE_LENGTH, tag.length + value.length, true)
    this.#headersEnd = at + HEADER_LENGTH
    this.#put(at + KEY_LENGTH, key)
    this.#put(at + VALUE_LENGTH, tag)
    this.#put(at + VALUE_LENGTH, value)
  }

  /** Ends a request. */
  keep(): void {
    this.#kept = this.#headersEnd
  }

  /** Forgets the headers of a request that was not ended, even if an `add` has thrown. */
  rollBack(): void {
    const end = (this.#headersEnd = this.#kept)
    while (this.#runFields.at(-1)! >= end) {
      this.#runFields.pop()
      this.#runLength -= this.#run.pop()!.length
    }
    this.#bodyEnd = -this.#runLength
    for (let at = COUNT_LENGTH; at < end; at += HEADER_LENGTH) {
      this.#bodyEnd += this.#view.getUint32(at + KEY_LENGTH, true) + this.#view.getUint32(at + VALUE_LENGTH, true)
    }
  }

  /** Returns the frame and begins the next. If memory does not hold it, nothing has changed. */
  take(): Uint8Array<ArrayBuffer> {
    const headersEnd = this.#headersEnd
    this.#view.setUint32(0, (headersEnd - COUNT_LENGTH) / HEADER_LENGTH, true)
    let frame = new Uint8Array(this.size)
    // The last run, often all there is, goes straight to its place.
    if (!this.#encodeRun(frame, headersEnd + this.#bodyEnd)) {
      this.#encodeEach()
      frame = new Uint8Array(this.size)
    }
    this.#clearRun()
    frame.set(this.#headers.subarray(0, headersEnd))
    if (this.#bodyEnd > 0) frame.set(this.#body.subarray(0, this.#bodyEnd), headersEnd)
    this.#headersEnd = this.#kept = COUNT_LENGTH
    this.#bodyEnd = 0
    if (this.#body.length > MAX_KEPT) this.#body = new Uint8Array(4096)
    if (headersEnd > MAX_KEPT) this.#setHeaders(new Uint8Array(1024))
    return frame
  }

  #put(field: number, data: string | Uint8Array): void {
    const length = data.length
    if (length === 0) return
    if (typeof data === 'string') {
      this.#run.push(data)
      this.#runFields.push(field)
      this.#runLength += length
    } else {
      this.#endRun()
      this.#reserve(length)
      this.#body.set(data, this.#bodyEnd)
      this.#bodyEnd += length
    }
  }

  #endRun(): void {
    if (this.#runLength === 0) return
    this.#reserve(this.#runLength)
    if (!this.#encodeRun(this.#body, this.#bodyEnd)) {
      this.#encodeEach()
      return
    }
    this.#bodyEnd += this.#runLength
    this.#clearRun()
  }

  /** Writes the run to its place in target; false if it is not all ASCII. */
  #encodeRun(target: Uint8Array, at: number): boolean {
    const run = this.#run
    if (run.length === 0) return true
    return writeASCII(run.length === 1 ? run[0]! : run.join(''), target, at)
  }

  /** Ends a run that is not all ASCII, and corrects the lengths of its strings. */
  #encodeEach(): void {
    this.#reserve(this.#runLength * 3) // of all at once: it may throw
    for (let i = 0; i < this.#run.length; i++) {
      const text = this.#run[i]!
      const { written } = encoder.encodeInto(text, this.#body.subarray(this.#bodyEnd))
      this.#bodyEnd += written
      const field = this.#runFields[i]!
      this.#view.setUint32(field, this.#view.getUint32(field, true) + written - text.length, true)
    }
    this.#clearRun()
  }

  #clearRun(): void {
    this.#run.length = this.#runFields.length = this.#runLength = 0
  }

  #reserve(length: number): void {
    if (this.#bodyEnd + length > this.#body.length) {
      this.#body = grown(this.#body, this.#bodyEnd + length)
    }
  }

  #setHeaders(headers: Uint8Array<ArrayBuffer>): void {
    this.#headers = headers
    this.#view = new DataView(this.#headers.buffer)
  }
}

const MAX_KEPT = 4 << 20

/** Up to so many characters, a loop is faster than a call of TextEncoder. */
const SHORT = 64

/** Writes text of one byte a character; false if it is not all ASCII. */
function writeASCII(text: string, target: Uint8Array, at: number): boolean {
  const { length } = text
  if (length > SHORT) {
    const { read, written } = encoder.encodeInto(text, target.subarray(at, at + length))
    return read === length && written === length
  }
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return false
    target[at + i] = code
  }
  return true
}

function grown(buffer: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(buffer.length * 2, least))
  larger.set(buffer)
  return larger
}

/**
 * Walks the headers of a frame of responses. Byte strings are subarrays of the frame, or copies
 * if that is on loan; text is cut from the frame's text, which is decoded in one go if a string
 * is asked for.
 *
 * @internal
 */
export class ResponseReader {
  readonly #frame: Uint8Array
  readonly #view: DataView | undefined // none of a frame on loan, which is too small to be worth one
  readonly #bodyStart: number
  #text: string | undefined
  #at = COUNT_LENGTH - HEADER_LENGTH
  #keyStart: number
  #valueStart: number
  #end: number

  status = 0
  flags = 0
  id = 0

  /** `onLoan`: the frame's memory will be used for another when it has been read. */
  constructor(frame: Uint8Array, onLoan = false) {
    this.#frame = frame
    if (!onLoan) this.#view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    this.#bodyStart = COUNT_LENGTH + HEADER_LENGTH * this.#uint32(0)
    this.#keyStart = this.#valueStart = this.#end = this.#bodyStart
  }

  /** Moves to the next header; false if there is none. */
  next(): boolean {
    const at = this.#at + HEADER_LENGTH
    if (at >= this.#bodyStart) return false
    this.#at = at
    const frame = this.#frame
    this.status = frame[at]!
    this.flags = frame[at + 1]!
    this.id = this.#uint32(at + 4)
    this.#keyStart = this.#end
    this.#valueStart = this.#keyStart + this.#uint32(at + KEY_LENGTH)
    this.#end = this.#valueStart + this.#uint32(at + VALUE_LENGTH)
    return true
  }

  get more(): boolean {
    return (this.flags & MORE) !== 0
  }

  get absent(): boolean {
    return (this.flags & ResponseFlag.absent) !== 0
  }

  get end(): boolean {
    return (this.flags & ResponseFlag.end) !== 0
  }

  get frameLength(): number {
    return this.#frame.length
  }

  keyBytes(): Uint8Array {
    return this.#bytes(this.#keyStart, this.#valueStart)
  }

  /** @throws TypeError if the bytes are not UTF-8. */
  keyText(): string {
    return this.#cut(ResponseFlag.keyASCII, this.#keyStart, this.#valueStart)
  }

  /** The first byte of the value; undefined if it is empty. */
  firstByte(): number | undefined {
    return this.#valueStart < this.#end ? this.#frame[this.#valueStart] : undefined
  }

  valueBytes(skip = 0): Uint8Array {
    return this.#bytes(this.#valueStart + skip, this.#end)
  }

  /** @throws TypeError if the bytes are not UTF-8. */
  valueText(skip = 0): string {
    return this.#cut(ResponseFlag.valueASCII, this.#valueStart + skip, this.#end)
  }

  #bytes(start: number, end: number): Uint8Array {
    return this.#view ? this.#frame.subarray(start, end) : this.#frame.slice(start, end)
  }

  #cut(ascii: number, start: number, end: number): string {
    if ((this.flags & ascii) === 0) return utf8.decode(this.#frame.subarray(start, end))
    this.#text ??= latin1.decode(this.#frame.subarray(this.#bodyStart))
    return this.#text.substring(start - this.#bodyStart, end - this.#bodyStart)
  }

  #uint32(at: number): number {
    if (this.#view) return this.#view.getUint32(at, true)
    const bytes = this.#frame
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  }
}
