// The globals of Node that bundled packages look for.
export { default as process } from 'process/browser.js'
export { Buffer } from 'buffer'
