/**
 * Draws a store as the bed of a lake: the memtable is the water, each level a layer of sediment
 * below it. A layer is as wide as the part of the key space that its files cover, seamed
 * where one file ends and the next begins, and the thicker the more bytes it holds. Its laminae
 * alternate, light and dark, as summers and winters do.
 */
import { AXIS } from './keyspace'

export interface Layer {
  readonly level: number
  readonly files: number
  /** 0 to 1, along the key space. */
  readonly from: number
  readonly to: number
  readonly height: number
}

export const WATER_HEIGHT = 76
export const AXIS_HEIGHT = 22

const STEP = 12
const MAX_PARTICLES = 90
const PARTICLE_BYTES = 40 * 1024

/** The contents of an SVG of that width: layers from top to bottom. */
export function drawStrata(layers: readonly Layer[], width: number): string {
  let top = WATER_HEIGHT
  let drawn = ''
  for (const layer of layers) {
    const bottom = top + layer.height
    drawn += bedrock(layer.level, top, bottom, width)
    if (layer.files > 0) drawn += stratum(layer, top, bottom, width)
    top = bottom
  }
  return drawn + axis(top, width)
}

/** Where nothing lies: the bare bed. */
function bedrock(level: number, top: number, bottom: number, width: number): string {
  return `<path class="bare" d="${outline(level, 0, width, top, bottom)}"/>`
}

function stratum(layer: Layer, top: number, bottom: number, width: number): string {
  const { level, files } = layer
  const left = layer.from * width
  const right = Math.max(layer.to * width, left + 3)
  const body = `<path class="stratum s${level}" d="${outline(level, left, right, top, bottom)}"/>`

  const laminae = ['', '']
  const count = Math.floor((bottom - top) / 13)
  for (let i = 1; i <= count; i++) {
    laminae[i % 2] += `M${line(level + i / (count + 1), left, right, top + (bottom - top) * i / (count + 1))}`
  }
  let seams = ''
  for (let i = 1; i < files; i++) {
    const x = left + (right - left) * i / files
    seams += `M${x.toFixed(1)} ${wave(level, x, top).toFixed(1)}L${(x + 2).toFixed(1)} ${wave(level + 1, x, bottom).toFixed(1)}`
  }
  return `${body}<path class="summer" d="${laminae[0]}"/><path class="winter" d="${laminae[1]}"/><path class="seam" d="${seams}"/>`
}

/** A closed shape between the waves of two boundaries. */
function outline(level: number, left: number, right: number, top: number, bottom: number): string {
  return `M${line(level, left, right, top)}L${line(level + 1, right, left, bottom)}Z`
}

/** Points along the wave of a boundary, from one x to another. */
function line(boundary: number, from: number, to: number, y: number): string {
  const points: string[] = []
  const steps = Math.max(1, Math.ceil(Math.abs(to - from) / STEP))
  for (let i = 0; i <= steps; i++) {
    const x = from + (to - from) * i / steps
    points.push(`${x.toFixed(1)} ${wave(boundary, x, y).toFixed(1)}`)
  }
  return points.join('L')
}

/** Each boundary undulates in its own way, the same at every drawing. */
function wave(boundary: number, x: number, y: number): number {
  return y + 2.6 * Math.sin(x / 47 + boundary * 1.9) + 1.3 * Math.sin(x / 19 + boundary * 4.3)
}

function axis(top: number, width: number): string {
  return AXIS.map(({ letter, at }) =>
    `<text class="axis" x="${(at * width).toFixed(1)}" y="${top + AXIS_HEIGHT - 4}">${letter}</text>`).join('')
}

/** The memtable: water, and a particle for every 40 KB in it. */
export function drawWater(memtableBytes: number, width: number): string {
  const surface = 12
  let particles = ''
  const count = Math.min(MAX_PARTICLES, Math.ceil(memtableBytes / PARTICLE_BYTES))
  for (let i = 0; i < count; i++) {
    const x = 4 + (i * 0.75488 % 1) * (width - 8)
    const y = surface + 12 + (i * 0.56984 % 1) * (WATER_HEIGHT - surface - 18)
    particles += `<circle class="particle p${i % 5}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${1.2 + i % 3 * 0.5}"/>`
  }
  const body = `M${line(-2, 0, width, surface)}L${width} ${WATER_HEIGHT + 6}L0 ${WATER_HEIGHT + 6}Z`
  return `<path class="water" d="${body}"/><path class="surface" d="M${line(-2, 0, width, surface)}"/>${particles}`
}
