import { test } from 'node:test'
import { hostPage } from '../browser/host.mjs'

// gotest.sh runs the same where there is no such host.
test('idbfs passes its tests, conformance and faults, on the host that the package has', async (t) => {
  const { run } = await hostPage(t)
  await run(['-test.timeout=100s'])
})
