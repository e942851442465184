import { PLACE_PREFIX } from './places'

/** The part of the width that keys before the places, and keys after them, get. */
const MARGIN = 0.06
const DEPTH = 5

/** Where a key lies between the first possible key, 0, and the last, 1. */
export function keyPosition(key: string): number {
  if (key.startsWith(PLACE_PREFIX)) {
    return MARGIN + (1 - 2 * MARGIN) * fraction(key.slice(PLACE_PREFIX.length), letterRank, 28)
  }
  const place = MARGIN * fraction(key, byteRank, 128)
  return key < PLACE_PREFIX ? place : 1 - MARGIN + place
}

/** Reads the first characters as the digits of a fraction. */
function fraction(text: string, rank: (char: number) => number, base: number): number {
  let sum = 0
  for (let i = Math.min(text.length, DEPTH) - 1; i >= 0; i--) {
    sum = (sum + rank(text.charCodeAt(i))) / base
  }
  return sum
}

function letterRank(char: number): number {
  if (char < 97) return 0
  return Math.min(char - 96, 27)
}

function byteRank(char: number): number {
  return Math.min(char, 127)
}

export const AXIS = [...'aeimquz'].map((letter) => ({ letter, at: keyPosition(PLACE_PREFIX + letter) }))
