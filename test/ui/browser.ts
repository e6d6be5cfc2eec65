import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { bare, main } from '../helpers/running.js'

/** The browser of the tests: Debian's, or another by the environment. */
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** The options of a test that needs a browser: where there is none, the test says that it did not run. */
export const inBrowser = {
  skip: existsSync(browserPath) ? false : `there is no ${browserPath}: CHROMIUM names another browser`,
} as const

const flags = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** A page that is open in a browser, with what went wrong in it. */
export interface OpenPage {
  readonly page: Page
  /** The address with its token. */
  readonly address: string
  /** Errors of scripts, messages on the console, and requests that left the page's own origin. */
  readonly wrong: string[]
  /** The process that serves it. */
  readonly child: ChildProcess
}

/** Starts a command that serves a page, and opens it. */
export async function open(
  t: Test,
  args: readonly string[],
  { width = 1280, height = 900, waitsFor = '.node' } = {},
): Promise<OpenPage> {
  const child = bare(process.execPath, [main, ...args])
  t.teardown(() => void child.kill('SIGTERM'))
  const address = await addressIn(child)
  const context = await browse(t, width, height)
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && wrong.push(message.text())))
  page.on('pageerror', (error) => void wrong.push(String(error)))
  const origin = new URL(address).origin
  page.on(
    'request',
    (request) =>
      void (request.url().startsWith(origin) || request.url().startsWith('data:') || wrong.push(request.url())),
  )
  page.setDefaultTimeout(60_000)
  await page.goto(address)
  await page.waitForSelector(waitsFor)
  return { page, address, wrong, child }
}

async function browse(t: Test, width: number, height: number): Promise<BrowserContext> {
  const profile = mkdtempSync(join(tmpdir(), 'raft-roadmap-browser-'))
  const settings = { executablePath: browserPath, args: flags, viewport: { width, height }, timeout: 60_000 }
  const context = await chromium.launchPersistentContext(profile, settings)
  t.teardown(async () => {
    await context.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  })
  return context
}

/** Waits for the address that a command prints. */
function addressIn(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const hear = (text: Buffer) => {
      said += String(text)
      const [address] = /http:\/\/127\.0\.0\.1:\d+\/#\w+/.exec(said) ?? []
      if (address) resolve(address)
    }
    child.stdout!.on('data', hear)
    child.stderr!.on('data', hear)
    child.once('close', (code) => reject(new Error(`ended with ${code}: ${said}`)))
  })
}

/** Performs a line as a person would, and waits for its answer. */
export async function type(page: Page, line: string): Promise<string> {
  await page.fill('#command', line)
  await page.press('#command', 'Enter')
  const answered = page.locator('.said div:last-child:not(.open)', { has: page.getByText(line, { exact: true }) })
  return (await answered.locator('span').textContent()) ?? ''
}

/** Waits for a sentence in the list of what happened. */
export async function happened(page: Page, text: RegExp): Promise<void> {
  await page.locator('.story li', { hasText: text }).first().waitFor()
}

/** The middle of a node on the screen. */
export async function middleOf(page: Page, id: string): Promise<{ x: number; y: number }> {
  const box = (await page.locator(`[data-node=${id}] .body`).boundingBox())!
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 }
}

/** Waits until the page has so many of what a selector finds. */
export async function counted(t: Test, page: Page, selector: string, count: number, what = selector): Promise<void> {
  const found = page.locator(selector)
  if (count > 0) await found.nth(count - 1).waitFor({ state: 'attached' })
  else await found.first().waitFor({ state: 'detached' })
  t.equal(await found.count(), count, what)
}
