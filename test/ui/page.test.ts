import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { cli } from '../helpers/running.js'
import { counted, happened, inBrowser, middleOf, open, type } from './browser.js'

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

t.test('a live cluster is looked at and asked', inBrowser, async (t) => {
  const { page, wrong } = await open(t, live(6))
  await page.waitForSelector('.node.leader')
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

  t.same(wrong, [])
})

t.test('a link is cut by a drag; the leader is killed by a click; the past is gone through', inBrowser, async (t) => {
  const { page, wrong } = await open(t, live(6))
  await page.waitForSelector('.node.leader')
  t.equal(await type(page, 'set a 1'), 'ok')
  const followers = page.locator('.node.follower')
  const [one, other] = [
    await followers.nth(0).getAttribute('data-node'),
    await followers.nth(1).getAttribute('data-node'),
  ]
  const [from, to] = [await middleOf(page, one!), await middleOf(page, other!)]
  await page.mouse.move(from.x, from.y)
  await page.mouse.down()
  await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2, { steps: 4 })
  await page.mouse.move(to.x, to.y, { steps: 4 })
  await page.mouse.up()
  await happened(page, new RegExp(`what is sent ${one}>${other} is lost`))
  await counted(t, page, '.cut', 1)
  await page.click('text=heal')
  await happened(page, /every link carries again/)

  const leader = (await page.locator('.node.leader').getAttribute('data-node'))!
  await page.click(`[data-node=${leader}]`)
  await page.click('.panel >> text=kill')
  await page.waitForSelector(`[data-node=${leader}].dead`)
  await page.waitForSelector(`.node.leader:not([data-node=${leader}])`)
  await happened(page, /LEADS term 2/)

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
  const played = await cli(['scenario', join(folder, 'x1.txt'), '--stage', '6'])
  t.match(played, { code: 0, stdout: /✔ holds/ })
  t.same(wrong, [])
})

t.test('members come and go, and everything can be done by keys', inBrowser, async (t) => {
  const { page, wrong } = await open(t, live(10))
  await page.waitForSelector('.node.leader')
  await page.click('text=add a node')
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

t.test('a seed is forked and taken over', inBrowser, async (t) => {
  const { page, wrong } = await open(t, ['sim', '6', '--seed', '17', '--ui'])
  await page.locator('.scrub input').fill('900')
  const term = await page.locator('.now span', { hasText: /term \d/ }).textContent()
  await page.click('text=fork here')
  await page.locator('#command').waitFor()
  t.equal(await page.locator('.now span', { hasText: /term \d/ }).textContent(), term)
  await type(page, 'slow 1')
  t.equal(await type(page, 'kill n1'), 'done')
  await page.waitForSelector('.node.leader:not([data-node=n1])')
  t.equal(await type(page, 'set z 9'), 'ok')
  t.match(await type(page, 'cut n1'), /usage: cut/)
  t.same(wrong, [])
})

t.test('a telephone: nothing is wider than the screen', inBrowser, async (t) => {
  const { page, wrong } = await open(t, ['scenario', 'E13', '--stage', '6', '--ui'], { width: 390, height: 844 })
  await page.keyboard.press('End')
  await page.locator('.cell.applied').first().waitFor()
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
  t.ok(wide <= 390, `${wide} of 390`)
  t.same(wrong, [])
})
