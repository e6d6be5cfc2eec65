import t from 'tap'
import { isWanted, levelOf, logLine } from '../../client/text/event-levels.js'
import type { Event } from '../../src/contracts.js'
import { cli } from '../helpers/running.js'

const elected: Event = { event: 'elected', node: 'n1', at: 5, term: 2, votes: ['n1'] }

t.test('an event is a line with its name, its level and its time', async (t) => {
  t.equal(logLine(elected), '{"event":"elected","level":"info","at":5,"node":"n1","term":2,"votes":["n1"]}')
  const before = Date.now()
  const { at, level } = JSON.parse(logLine({ event: 'stopped' })) as { at: number; level: string }
  t.ok(at >= before && at <= Date.now(), 'an event without a time has that of its line')
  t.equal(level, 'info')
})

t.test('a level lets the weightier events through, and no others', async (t) => {
  const events: Event[] = [
    { event: 'link_up', peer: 'n2' },
    elected,
    { event: 'deposed', term: 2, by: 3 },
    { event: 'disk_failed', message: 'full' },
  ]
  const told = (['debug', 'info', 'warn', 'error'] as const).map((from) => events.filter((one) => isWanted(one, from)))
  t.same(
    told.map((some) => some.length),
    [4, 3, 2, 1],
  )
  t.equal(levelOf({ event: 'news' } as never), 'info', 'an event of another program')
  t.equal(levelOf({ event: 'toString' } as never), 'info')
})

t.test('a level that there is not is refused', async (t) => {
  const wrong = await cli(['run', '0', '--headless', '--log-level', 'loud'])
  t.match(wrong, { code: 2, stderr: /debug.*info.*warn.*error/ })
  const variable = await cli(['run', '0', '--headless'], '', { RAFT_ROADMAP_LOG_LEVEL: 'loud' })
  t.match(variable, { code: 2, stderr: /RAFT_ROADMAP_LOG_LEVEL must be one of debug, info, warn, error/ })
})
