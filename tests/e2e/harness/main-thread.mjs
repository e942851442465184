// What keeps the main thread of a page from other events, as Chromium's tracing tells it.

const CATEGORIES = ['disabled-by-default-devtools.timeline', 'devtools.timeline', 'blink.user_timing']

const MARK = 'varve-traced'

/**
 * Runs a function in the page, and returns how long the longest task of the main thread was
 * meanwhile, in milliseconds.
 *
 * What counts is the processor's time, so that other programs on the machine are no part of it;
 * the browser's garbage collections are none either, since they grow with all that the page holds.
 */
export async function longestTask(context, page, run) {
  const session = await context.newCDPSession(page)
  const events = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value))
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.start', {
    traceConfig: { includedCategories: CATEGORIES, excludedCategories: ['*'] },
    transferMode: 'ReportEvents',
  })
  await page.evaluate((name) => void performance.mark(name), MARK)
  await page.evaluate(run)
  await session.send('Tracing.end')
  await complete
  await session.detach()
  return longest(events)
}

function longest(events) {
  const { pid, tid } = events.find(({ name, cat }) => name === MARK && cat === 'blink.user_timing')
  const here = events.filter((event) => event.pid === pid && event.tid === tid && event.ph === 'X')
  const collections = here.filter(({ name }) => name === 'MajorGC' || name === 'MinorGC')
  const times = here.filter(({ name }) => name === 'RunTask').map((task) => {
    const within = collections.filter(({ ts }) => ts >= task.ts && ts < task.ts + task.dur)
    return within.reduce((time, collection) => time - processorTime(collection), processorTime(task))
  })
  if (times.length === 0) throw new Error('the trace has no tasks')
  return Math.max(...times) / 1000
}

/** The thread's clock may be ahead by a tick of the system's. */
function processorTime({ dur, tdur }) {
  return Math.min(dur, tdur)
}
