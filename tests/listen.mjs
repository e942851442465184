import { once } from 'node:events'
import { createServer } from 'node:http'

/**
 * Starts a server, which ends with the test.
 *
 * @param {import('node:http').RequestListener} answer
 * @returns {Promise<number>} its port
 */
export async function listen(t, answer) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return server.address().port
}
