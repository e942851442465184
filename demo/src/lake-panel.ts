import type { Stats } from 'varve'
import { byId, element } from './dom'
import { bytes, count, number } from './format'
import { keyPosition } from './keyspace'
import { Settling } from './settling'
import type { Session } from './session'
import { AXIS_HEIGHT, WATER_HEIGHT, drawStrata, drawWater, type Layer } from './strata'

const POLL_MS = 300
const SVG = 'http://www.w3.org/2000/svg'

/** The levels and the memtable, drawn anew whenever the store's figures have changed. */
export function startLake(session: Session): void {
  const bed = new Bed()
  let asked = false
  let last = ''

  const update = async () => {
    if (asked || document.hidden) return
    asked = true
    try {
      const stats = await session.store.stats()
      const current = JSON.stringify(stats)
      if (current !== last) bed.show(stats)
      last = current
    } catch {
      // The store is being replaced, or fails: the panel that asked something of it says so.
    } finally {
      asked = false
    }
  }
  session.onChange(() => void update())
  setInterval(() => void update(), POLL_MS)
  void update()
}

class Bed {
  readonly #svg = byId('bed', SVGSVGElement)
  readonly #gutter = byId('gutter', HTMLOListElement)
  readonly #water = document.createElementNS(SVG, 'g')
  readonly #strata = document.createElementNS(SVG, 'g')
  readonly #settling = new Settling((layers) => this.#draw(layers))
  #memtableBytes = 0

  constructor() {
    this.#svg.append(this.#water, this.#strata)
    new ResizeObserver(() => {
      this.#drawWater()
      this.#draw(this.#settling.layers)
    }).observe(this.#svg)
  }

  show(stats: Stats): void {
    this.#memtableBytes = stats.memtable.bytes
    this.#drawWater()
    this.#settling.settle(layersOf(stats))
    this.#label(stats)
    showFigures(stats)
  }

  #drawWater(): void {
    this.#water.innerHTML = drawWater(this.#memtableBytes, this.#svg.clientWidth)
  }

  #draw(layers: readonly Layer[]): void {
    const height = layers.reduce((sum, layer) => sum + layer.height, WATER_HEIGHT + AXIS_HEIGHT)
    this.#svg.style.height = `${height}px`
    this.#strata.innerHTML = drawStrata(layers, this.#svg.clientWidth)
    for (const [i, layer] of layers.entries()) {
      const row = this.#gutter.children[i + 1]
      if (row instanceof HTMLElement) row.style.height = `${layer.height}px`
    }
  }

  #label(stats: Stats): void {
    const memtable = label('memtable', bytes(stats.memtable.bytes))
    memtable.style.height = `${WATER_HEIGHT}px`
    const rows = layersOf(stats).map(({ level, files, height }) => {
      const held = files === 0 ? 'empty' : `${count(files, 'file')}, ${bytes(stats.levels[level]?.bytes ?? 0)}`
      const row = label(`L${level}`, held)
      row.classList.toggle('empty', files === 0)
      row.style.height = `${height}px`
      return row
    })
    this.#gutter.replaceChildren(memtable, ...rows)
  }
}

function label(name: string, held: string): HTMLLIElement {
  return element('li', '', element('b', '', name), ' ', element('span', '', held))
}

/** The levels down to the deepest that has files, two at least. */
function layersOf(stats: Stats): Layer[] {
  const deepest = stats.levels.findLastIndex(({ files }) => files > 0)
  return stats.levels.slice(0, Math.max(deepest + 1, 2)).map(({ files, bytes: held, smallest, largest }, level) => ({
    level,
    files,
    from: files > 0 ? keyPosition(smallest ?? '') : 0,
    to: files > 0 ? keyPosition(largest ?? '\u{10ffff}') : 1,
    height: files > 0 ? Math.min(42 + 14 * Math.log2(1 + held / 1024 / 1024), 116) : 34,
  }))
}

function showFigures(stats: Stats): void {
  const files = stats.levels.reduce((sum, level) => sum + level.files, 0)
  const held = stats.levels.reduce((sum, level) => sum + level.bytes, 0)
  byId('lake-total', HTMLElement).textContent = `${count(files, 'file')}, ${bytes(held)}`

  const { hits, misses, bytes: cached } = stats.blockCache
  const looked = hits + misses
  const figures: [string, string][] = [
    ['Blocks cached', bytes(cached)],
    ['Found in cache', looked === 0 ? '–' : `${Math.floor(hits / looked * 100)}%`],
    ['Flushes', number(stats.flushes)],
    ['Compactions', number(stats.compactions)],
  ]
  byId('figures', HTMLElement).replaceChildren(...figures.map(([name, value]) =>
    element('div', '', element('dt', '', name), element('dd', '', value))))
}
