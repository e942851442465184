import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Keeps a picture of the page in $SCREENSHOTS, if that is set. */
export async function screenshot(page, name) {
  const folder = process.env.SCREENSHOTS
  if (!folder) return
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}
