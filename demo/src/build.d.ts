/** What build.mjs defines. */
declare const PLACES_URL: string
declare const PLACES_COUNT: number
declare const WORKER_URL: string

declare module 'varve/varve.wasm' {
  const url: string
  export default url
}
