/// <reference lib="esnext.disposable" preserve="true" />

/** `Symbol.asyncDispose`, or what stands for it in browsers that don't have it yet. */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for('Symbol.asyncDispose') as typeof Symbol.asyncDispose)
