// What the tests use of packages without types.

declare module 'abstract-level/test/index.js' {
  const suite: (options: { test: unknown; factory(options?: object): unknown }) => void
  export default suite
}
