/**
 * Asks the browser not to delete the origin's data when space runs short, and tells whether it
 * has agreed, now or before. Some browsers ask the user: call it from a click. Workers can't ask,
 * they are told what was agreed.
 */
export async function persist(): Promise<boolean> {
  const storage = (globalThis as { navigator?: { storage?: Partial<StorageManager> } }).navigator?.storage
  try {
    return (await (storage?.persist ? storage.persist() : storage?.persisted?.())) ?? false
  } catch {
    return false // An origin that can't have storage at all.
  }
}
