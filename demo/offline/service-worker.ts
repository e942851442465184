/**
 * Keeps the page for when there is no network.
 *
 * 1. A cache holds all files of one build or none.
 * 2. The page is asked of the network first: a new build shows at the next reload.
 * 3. All other files have names with a hash of their content: one that is cached is right.
 *
 * The places are not kept here: who has loaded them has them in the store.
 */
declare const self: ServiceWorkerGlobalScope

/** What build.mjs defines. */
declare const BUILD: string
declare const PAGE_URL: string
declare const FILES: readonly string[]

const OURS = 'playground-'
const CACHE = OURS + BUILD

self.addEventListener('install', (event) => event.waitUntil(keepBuild()))
self.addEventListener('activate', (event) => event.waitUntil(dropOthers()))
self.addEventListener('fetch', (event) => {
  const { mode, url } = event.request
  const { origin, pathname } = new URL(url)
  if (origin !== self.location.origin) return
  if (mode === 'navigate' && pathname === '/') event.respondWith(page(event.request))
  else if (FILES.includes(pathname)) event.respondWith(file(event.request, pathname))
})

async function keepBuild(): Promise<void> {
  const cache = await caches.open(CACHE)
  await cache.addAll([...FILES])
  // A page of the build before has what it needs, and a reload would not end the wait for it.
  await self.skipWaiting()
}

async function dropOthers(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE)
  await Promise.all(old.map((name) => caches.delete(name)))
}

async function page(request: Request): Promise<Response> {
  try {
    return await fetch(request)
  } catch (error) {
    const kept = await caches.match(PAGE_URL, { cacheName: CACHE })
    if (!kept) throw error
    return kept
  }
}

async function file(request: Request, pathname: string): Promise<Response> {
  return await caches.match(pathname, { cacheName: CACHE }) ?? fetch(request)
}

export {}
