// Runs in the page: damages a closed store behind its back, through IndexedDB itself.

const RECORDS_PER_FILE = 2 ** 20

/** Changes one byte in the middle of a file's record of that index. */
export async function flip(store, pattern, index = 0) {
  await change(store, async ({ files, pages }) => {
    const { id } = await find(files, pattern)
    const key = id * RECORDS_PER_FILE + index
    const bytes = await result(pages.get(key))
    if (!(bytes instanceof Uint8Array)) throw new Error(`file ${id} has no record ${index}`)
    bytes[bytes.length >> 1] ^= 0x10
    await result(pages.put(bytes, key))
  })
}

/** Removes a file's record of that index. */
export async function removeRecord(store, pattern, index = 0) {
  await change(store, async ({ files, pages }) => {
    const { id } = await find(files, pattern)
    await result(pages.delete(id * RECORDS_PER_FILE + index))
  })
}

/** Removes a file, as if it had never been. */
export async function remove(store, pattern) {
  await change(store, async ({ files, pages }) => {
    const { id } = await find(files, pattern)
    await result(files.delete(id))
    await result(pages.delete(IDBKeyRange.bound(id * RECORDS_PER_FILE, (id + 1) * RECORDS_PER_FILE, false, true)))
  })
}

/** Empties object stores. */
export async function empty(store, names) {
  const database = await result(indexedDB.open(`varve/${store}`))
  const transaction = database.transaction(names, 'readwrite')
  await Promise.all(names.map((name) => result(transaction.objectStore(name).clear())))
  database.close()
}

async function find(files, pattern) {
  const [ids, entries] = await Promise.all([result(files.getAllKeys()), result(files.getAll())])
  const at = entries.findIndex(({ name }) => new RegExp(pattern).test(name))
  if (at < 0) throw new Error(`no ${pattern} among ${entries.map(({ name }) => name).join(' ')}`)
  return { id: ids[at] }
}

async function change(store, edit) {
  const database = await result(indexedDB.open(`varve/${store}`))
  const transaction = database.transaction(['files', 'pages'], 'readwrite')
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve
    transaction.onabort = () => reject(transaction.error)
  })
  await edit({ files: transaction.objectStore('files'), pages: transaction.objectStore('pages') })
  await done
  database.close()
}

function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
