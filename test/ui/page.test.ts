import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { cli } from '../helpers/running.js'
import { counted, drag, happened, inBrowser, look, middleOf, open, type Served, serve, type } from './browser.js'

const root = t

interface Point {
  readonly x: number
  readonly y: number
}

const live = (stage: number, ...more: string[]) => [
  'run',
  String(stage),
  '--ui',
  '--headless',
  '--json',
  '--base-port',
  '0',
  ...more,
]

let started: Promise<Served> | null = null

/** Opens the one cluster of this file: a test leaves it healed, and with every node running. */
async function lookAtCluster(t: Test) {
  started ??= serve(root, live(10))
  const open = await look(t, (await started).address)
  await open.page.waitForSelector('.node.leader')
  return open
}

/** Names two followers that stand beside each other on the ring. */
async function neighbours(page: Page): Promise<readonly [string, string]> {
  const ids = await page
    .locator('.node')
    .evaluateAll((nodes) =>
      nodes.map((node) => [node.getAttribute('data-node')!, node.classList.contains('follower')] as const),
    )
  const at = ids.findIndex(([, isFollower], place) => isFollower && ids[(place + 1) % ids.length]![1])
  return [ids[at]![0], ids[(at + 1) % ids.length]![0]]
}

/** The point on the way from one to another: 0 is the start, 1 the end. */
const between = (from: Point, to: Point, part: number): Point => ({
  x: from.x + (to.x - from.x) * part,
  y: from.y + (to.y - from.y) * part,
})

/** A loop around a point, which begins on the side that is away from another one. */
function loopAround(point: Point, centre: Point, radius: number): Point[] {
  const away = Math.atan2(point.y - centre.y, point.x - centre.x)
  return Array.from({ length: 13 }, (_, at) => {
    const angle = away + (at * 2 * Math.PI) / 12
    return { x: point.x + radius * Math.cos(angle), y: point.y + radius * Math.sin(angle) }
  })
}

t.test('a live cluster is looked at and asked, and its calls are judged', inBrowser, async (t) => {
  const { page, wrong } = await lookAtCluster(t)
  await counted(t, page, '.node', 5)

  t.equal(await type(page, 'set a 1'), 'ok')
  t.equal(await type(page, 'get a'), '"1"')
  await page.locator('.verdict.good').waitFor()
  t.match(await page.locator('.calls li').first().textContent(), /set a 1 → ok/)
  await page.locator('.cell.applied').first().waitFor()

  const hostile = '<img src=x onerror=alert(1)>'
  t.equal(await type(page, `set ${JSON.stringify(hostile)} ${JSON.stringify(hostile)}`), 'ok')
  await page.locator('.calls li', { hasText: hostile }).waitFor()
  t.equal(await page.locator('img').count(), 0, 'what clients say is text, and never HTML')
  await page.locator('.calls', { hasText: /3 calls judged: .* on this page.* nc and .* is not seen/ }).waitFor()

  t.same(wrong, [])
})

t.test('a link is cut by a drag; the leader is killed by a click; the past is gone through', inBrowser, async (t) => {
  const { page, wrong } = await lookAtCluster(t)
  t.equal(await type(page, 'set a 1'), 'ok')
  const [one, other] = await neighbours(page)
  await drag(page, [await middleOf(page, one), await middleOf(page, other)])
  await happened(page, new RegExp(`what is sent ${one}>${other} is lost`))
  await counted(t, page, '.cut', 1)
  await page.click('button:text-is("heal")')
  await happened(page, /every link carries again/)

  const leader = (await page.locator('.node.leader').getAttribute('data-node'))!
  await page.click(`[data-node=${leader}]`)
  await page.click('.panel >> text=kill')
  await page.waitForSelector(`[data-node=${leader}].dead`)
  await page.waitForSelector(`.node.leader:not([data-node=${leader}])`)

  const slider = page.locator('.scrub input')
  await slider.focus()
  await page.keyboard.press('Home')
  await page.waitForSelector('main.past')
  await counted(t, page, '.node.dead', 0, 'at the beginning nobody was dead')
  await counted(t, page, '.cell.applied', 0)
  await page.locator('.story').hover()
  await page.click('text=● live')
  await page.waitForSelector(`main.present [data-node=${leader}].dead`)
  await page.locator('.story li', { hasText: 'killed' }).first().click()
  await page.waitForSelector('main.past')
  await counted(t, page, '.node.dead', 1, 'a sentence leads to its moment')

  await page.click('text=say it as script')
  const script = await page.locator('.script textarea').inputValue()
  t.match(script, /c1 set a 1 -> done\n(.|\n)*cut n\d > n\d\n(.|\n)*heal\n(.|\n)*kill leader/)
  const folder = mkdtempSync(join(tmpdir(), 'script-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'x1.txt'), script)
  const played = await cli(['scenario', join(folder, 'x1.txt'), '--stage', '10'])
  t.match(played, { code: 0, stdout: /✔ holds/ })
  t.match(await type(page, `restart ${leader}`), /./)
  t.same(wrong, [])
})

t.test('gestures: along a link, with shift, and a loop', inBrowser, async (t) => {
  const { page, wrong } = await lookAtCluster(t)
  const [one, other] = await neighbours(page)
  const [from, to] = [await middleOf(page, one), await middleOf(page, other)]
  const heals = async (cuts: number, text: RegExp) => {
    await happened(page, text)
    await counted(t, page, '.cut', cuts, String(text))
    await page.keyboard.press('h')
    await counted(t, page, '.cut', 0, 'healed')
  }
  await drag(page, [between(from, to, 0.4), between(from, to, 0.65)])
  await heals(1, new RegExp(`what is sent ${one}>${other} is lost`))
  await drag(page, [between(from, to, 0.6), between(from, to, 0.35)])
  await heals(1, new RegExp(`what is sent ${other}>${one} is lost`))
  await page.keyboard.down('Shift')
  await drag(page, [between(from, to, 0.4), between(from, to, 0.65)])
  await page.keyboard.up('Shift')
  await heals(2, new RegExp(`what is sent ${one}>${other} and ${other}>${one} is lost`))
  await page.keyboard.down('Shift')
  await drag(page, [to, between(from, to, 0.5), from])
  await page.keyboard.up('Shift')
  await heals(2, new RegExp(`what is sent ${other}>${one} and ${one}>${other} is lost`))

  const ring = (await page.locator('.ring').boundingBox())!
  const centre = { x: ring.x + ring.width / 2, y: ring.y + ring.height / 2 }
  await drag(page, loopAround(from, centre, (55 * Math.min(ring.width, ring.height)) / 400))
  await heals(8, new RegExp(`all that is sent between ${one} and (n\\d ?){4} is lost`))
  await drag(page, [centre, { x: centre.x + 5, y: centre.y + 5 }])
  await counted(t, page, '.cut', 0, 'a click beside everything cuts nothing')
  t.same(wrong, [])
})

t.test('what is typed at the prompt is judged with what the page asks', inBrowser, async (t) => {
  const { page, child, wrong } = await open(t, ['run', '2', '--ui', '--base-port', '0'])
  child.stdin!.write('set p 1\n')
  await page.locator('.calls li', { hasText: 'set p 1 → ok' }).waitFor()
  t.equal(await type(page, 'get p'), '"1"')
  await page.locator('.calls', { hasText: /2 calls judged/ }).waitFor()
  t.same(wrong, [])
})

t.test('members come and go, and everything can be done by keys', inBrowser, async (t) => {
  const { page, wrong } = await lookAtCluster(t)
  await page.click('button:text-is("add a node")')
  await page.waitForSelector('[data-node=n6]:not(.outside)')

  const follower = (await page.locator('.node.follower').first().getAttribute('data-node'))!
  await page.keyboard.press(follower.slice(1))
  await page.locator('.panel').waitFor()
  await page.keyboard.press('p')
  await page.waitForSelector(`[data-node=${follower}].paused`)
  await page.keyboard.press('p')
  await page.waitForSelector(`[data-node=${follower}].up`)
  await page.keyboard.press('k')
  await page.waitForSelector(`[data-node=${follower}].dead`)
  await page.keyboard.press('r')
  await page.waitForSelector(`[data-node=${follower}].up`)
  await page.keyboard.press('f')
  await page.locator('.node.paused').nth(5).waitFor()
  await page.keyboard.press('f')
  await page.locator('.node.up').nth(5).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('timeout follower')
  await page.keyboard.press('Enter')
  await happened(page, /its time-out runs out now/)
  await page.keyboard.press('Escape')
  await page.keyboard.press('ArrowLeft')
  await page.waitForSelector('main.past')
  await page.keyboard.press('End')
  await page.waitForSelector('main.present')
  t.match(await page.locator(`[data-node=${follower}]`).getAttribute('aria-label'), new RegExp(`^${follower}, `))
  t.same(wrong, [])
})

t.test('a scenario plays to its ✘', inBrowser, async (t) => {
  const { page, wrong } = await open(t, ['scenario', 'N3', '--stage', '2', '--ui'])
  await page.keyboard.press('ArrowRight')
  await happened(page, /kill 3 followers/)
  t.equal(await page.locator('.story li.bad').count(), 0, 'nothing of the future is told')
  await page.keyboard.press('End')
  await happened(page, /✘ c2 get a @follower/)
  t.same(wrong, [])
})

t.test('two stages side by side: the first moment at which they part', inBrowser, async (t) => {
  const { page, wrong } = await open(t, ['scenario', 'N5', '--stage', '5', '--beside', '6', '--ui'])
  await counted(t, page, '.ring', 2)
  await page.click('text=to where they part')
  const leaders = await page.locator('.card h2').allTextContents()
  t.match(leaders, [/^stage 5/, /^stage 6/])
  await page.keyboard.press('End')
  await page
    .locator('.story >> nth=1')
    .locator('li', { hasText: /LEADS term/ })
    .first()
    .waitFor()
  t.same(wrong, [])
})

t.test('what will happen is asked before it is shown', inBrowser, async (t) => {
  const { page, wrong } = await open(t, ['scenario', 'N3', '--stage', '2', '--ui', '--predict'], {
    waitsFor: '.question',
  })
  t.notMatch(await page.locator('.question').textContent(), /✘/)
  await page.click('.question li:nth-child(1) button')
  t.match(await page.locator('.question [role=status]').textContent(), /No:(.|\n)*✘ expected \(absent\)/)
  await page.click('text=show it')
  await page.waitForSelector('.node')
  t.same(wrong, [])
})

t.test('two traces side by side', inBrowser, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'traces-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [one, other] = [join(folder, 'one.ndjson'), join(folder, 'other.ndjson')]
  for (const [stage, file] of [
    ['6', one],
    ['7', other],
  ] as const)
    await cli(['sim', stage, '--seed', '17', '--trace', file])
  const text = await cli(['trace', 'show', one, '--beside', other])
  t.match(text, { code: 0, stdout: /here they part: .*one\.ndjson\n(.|\n)*here they part: .*other\.ndjson\n/ })
  t.match(await cli(['trace', 'show', one, '--beside', one]), { code: 0, stdout: /the two never part: \d+ lines/ })
  t.match(await cli(['trace', 'merge', folder, '--beside', other]), { code: 2, stderr: /--beside goes with show/ })
  const { page, wrong } = await open(t, ['trace', 'show', one, '--beside', other, '--ui'])
  await counted(t, page, '.ring', 2)
  await page.click('text=to where they part')
  t.match(await page.locator('header small').textContent(), /the two part at \d+ ms/)
  t.match(await page.locator('.card h2').allTextContents(), [/^stage 6/, /^stage 7/])
  t.same(wrong, [])
})

t.test('a seed is forked and taken over', inBrowser, async (t) => {
  const { page, wrong } = await open(t, ['sim', '8', '--seed', '17', '--ui'])
  await page.locator('.scrub input').fill('900')
  const term = await page.locator('.now span', { hasText: /term \d/ }).textContent()
  await page.click('button:text-is("fork here")')
  await page.locator('#command').waitFor()
  t.equal(await page.locator('.now span', { hasText: /term \d/ }).textContent(), term)
  await page.click('button:text-is("freeze")')
  await counted(t, page, '.node.up', 0, 'time stands still')
  const before = await page.locator('.tape output').textContent()
  for (let step = 0; step < 8; step++) t.equal(await type(page, 'step'), 'done')
  await page.locator('.tape output', { hasNotText: before ?? '' }).waitFor()
  await page.click('button:text-is("thaw")')
  await page.waitForSelector('.node.up')
  t.equal(await type(page, 'slow 1'), 'done')
  await page.waitForSelector('.node.leader')

  const [one, other] = await neighbours(page)
  await drag(page, [await middleOf(page, one), await middleOf(page, other)])
  await counted(t, page, '.cut', 1)
  await page.click('button:text-is("heal")')
  await counted(t, page, '.cut', 0)
  t.equal(await type(page, `pause ${one}`), 'done')
  await page.waitForSelector(`[data-node=${one}].paused`)
  t.equal(await type(page, `resume ${one}`), 'done')
  await type(page, `timeout ${one}`)
  await happened(page, /its time-out runs out now/)
  t.equal(await type(page, 'set z 9'), 'ok')
  t.equal(await type(page, `get z @leader`), '"9"')
  await page.click('button:text-is("add a node")')
  await page.locator('.said .good', { hasText: /voters .*n6/ }).waitFor()
  t.match(await type(page, 'remove n2'), /ok \(voters/)
  await counted(t, page, '[data-node=n2]', 0, 'it has left')
  t.match(await type(page, 'cut n1'), /usage: cut/)
  t.match(await type(page, 'kill n2'), /needs it up or paused/)

  await page.click('button:text-is("back to the seed")')
  await page.waitForSelector('text=fork here')
  t.same(wrong, [])
})

t.test('a fork is broken by hand, and told what broke', inBrowser, async (t) => {
  const { page, wrong } = await open(t, ['sim', '6', '--seed', '17', '--ui'])
  await page.locator('.scrub input').fill('900')
  await page.click('button:text-is("fork here")')
  await page.locator('#command').waitFor()
  const lines = 'slow 1|split n4 n5|set z 9|kill n2 n3|wipe n2 n3|kill n1|heal|restart n2 n3|set q 1'
  for (const line of lines.split('|')) t.match(await type(page, line), /^(done|ok)$/, line)
  t.equal(await type(page, 'get z'), '(absent)', 'two of three disks are gone, and the entry with them')
  await happened(page, /✘ G7: leader completeness/)
  await page.locator('.verdict.bad pre', { hasText: 'no order explains this answer' }).waitFor()
  await page.locator('.guarantees .broken', { hasText: 'G7' }).waitFor()
  t.same(wrong, [])
})

t.test('a telephone: nothing is wider than the screen', inBrowser, async (t) => {
  const { page, wrong } = await open(t, ['scenario', 'E13', '--stage', '6', '--ui'], { width: 390, height: 844 })
  await page.keyboard.press('End')
  await page.locator('.cell.applied').first().waitFor()
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
  t.ok(wide <= 390, `${wide} of 390`)
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 844 })
    const { x, width: long } = (await page.locator('.tape output').boundingBox())!
    t.ok(x + long <= width, `the clock ends at ${x + long} of ${width}`)
  }
  t.same(wrong, [])
})
