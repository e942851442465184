/** Has the browser keep the page for when there is no network. Where it can't, the page works as it did. */
export async function keepPage(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  await navigator.serviceWorker.register('/service-worker.js').catch(() => undefined)
}
