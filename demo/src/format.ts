const whole = new Intl.NumberFormat('en')
const oneDigit = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

export function count(n: number, singular: string, plural = `${singular}s`): string {
  return `${whole.format(n)} ${n === 1 ? singular : plural}`
}

export function bytes(n: number): string {
  if (n < 1024) return `${whole.format(n)} B`
  if (n < 1024 * 1024) return `${whole.format(Math.round(n / 1024))} KB`
  return `${oneDigit.format(n / 1024 / 1024)} MB`
}

export function duration(ms: number): string {
  if (ms < 10) return `${oneDigit.format(ms)} ms`
  return ms < 1000 ? `${whole.format(Math.round(ms))} ms` : `${oneDigit.format(ms / 1000)} s`
}

export function number(n: number): string {
  return whole.format(n)
}

/** A stored value, in one line. */
export function written(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes: ${value.subarray(0, 64).join(' ')}`
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** 42.5317, 1.5666 as 42.53° N 1.57° E */
export function coordinates(lat: number, lng: number): string {
  const degrees = (n: number, positive: string, negative: string) =>
    `${Math.abs(n).toFixed(2)}° ${n < 0 ? negative : positive}`
  return `${degrees(lat, 'N', 'S')} ${degrees(lng, 'E', 'W')}`
}

const countryNames = new Intl.DisplayNames('en', { type: 'region' })

export function countryName(code: string): string {
  try {
    return countryNames.of(code) ?? code
  } catch {
    return code
  }
}
