import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
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

/** The size of the window, and what is there when the page is. */
export interface View {
  readonly width?: number
  readonly height?: number
  readonly waitsFor?: string
}

/** A command that serves a page. */
export interface Served {
  /** The address with its token. */
  readonly address: string
  readonly child: ChildProcess
}

/** Starts a command that serves a page. */
export async function serve(t: Test, args: readonly string[]): Promise<Served> {
  const child = bare(process.execPath, [main, ...args])
  t.teardown(() => void child.kill('SIGTERM'))
  return { address: await addressIn(child), child }
}

/** Starts a command that serves a page, and opens it. */
export async function open(t: Test, args: readonly string[], view: View = {}): Promise<OpenPage> {
  const { address, child } = await serve(t, args)
  return { ...(await look(t, address, view)), child }
}

/** Opens a page that is served already, in a profile of its own. */
export async function look(
  t: Test,
  address: string,
  { width = 1280, height = 900, waitsFor = '.node' }: View = {},
): Promise<Omit<OpenPage, 'child'>> {
  const context = await (await theBrowser()).newContext({ viewport: { width, height } })
  t.teardown(() => context.close())
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && wrong.push(message.text())))
  page.on('pageerror', (error) => void wrong.push(String(error)))
  const origin = new URL(address).origin
  page.on('request', (request) => {
    const isOwn = request.url().startsWith(origin) || request.url().startsWith('data:')
    if (!isOwn) wrong.push(request.url())
  })
  page.setDefaultTimeout(60_000)
  await page.goto(address)
  await page.waitForSelector(waitsFor)
  return { page, address, wrong }
}

let browser: Promise<Browser> | null = null

/** Starts the browser of this file, or gives the one that runs. */
function theBrowser(): Promise<Browser> {
  browser ??= chromium.launch({ executablePath: browserPath, args: flags, timeout: 60_000 }).then((started) => {
    t.teardown(() => started.close())
    return started
  })
  return browser
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

/** Drags the pointer from one place on the screen to another, by way of others. */
export async function drag(page: Page, path: readonly { readonly x: number; readonly y: number }[]): Promise<void> {
  const [start, ...others] = path
  await page.mouse.move(start!.x, start!.y)
  await page.mouse.down()
  for (const { x, y } of others) await page.mouse.move(x, y, { steps: 4 })
  await page.mouse.up()
}
