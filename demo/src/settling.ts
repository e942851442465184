import type { Layer } from './strata'

/** The part of the way to its place that a layer goes in one frame. */
const PACE = 0.16
const CLOSE = 0.004

/** Moves layers softly to where they belong, or at once for those who asked for less motion. */
export class Settling {
  layers: readonly Layer[] = []
  #target: readonly Layer[] = []
  #frame = 0
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)')

  constructor(private readonly draw: (layers: readonly Layer[]) => void) {}

  settle(target: readonly Layer[]): void {
    this.#target = target
    if (this.#still.matches || document.hidden || this.layers.length === 0) {
      cancelAnimationFrame(this.#frame)
      this.#frame = 0
      this.layers = target
      this.draw(target)
    } else if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => this.#step())
    }
  }

  #step(): void {
    let moving = false
    this.layers = this.#target.map((to, i) => {
      const from = this.layers[i] ?? { ...to, height: 0 }
      const distance = Math.abs(to.height - from.height) / 100 + Math.abs(to.from - from.from) + Math.abs(to.to - from.to)
      if (distance < CLOSE) return to
      moving = true
      const nearer = (a: number, b: number) => a + (b - a) * PACE
      return {
        ...to,
        height: nearer(from.height, to.height),
        from: nearer(from.from, to.from),
        to: nearer(from.to, to.to),
      }
    })
    this.draw(this.layers)
    this.#frame = moving ? requestAnimationFrame(() => this.#step()) : 0
  }
}
