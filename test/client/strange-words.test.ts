import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { describeCheck } from '../../client/commands/check.js'
import { describeOutcome } from '../../client/text/answers.js'
import { describeBar, describeEvent } from '../../client/text/events.js'
import { describeCommand } from '../../client/text/log-text.js'
import type { Outcome } from '../../src/contracts.js'
import { checkHistory } from '../../src/proof/linearizability/index.js'

const evil = 'a\r\x1b[31mred\x1b]0;mine\x07\x9b31m\x7f\u202edcba\u2028\ud800'
const long = 'x'.repeat(1_000_000)

/** Nothing is left but our own colours and ends of lines. */
function isSafe(text: string): boolean {
  return (
    !/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Cs}]/u.test(stripVTControlCharacters(text)) &&
    !text.includes('\x1b]') &&
    !text.includes('\x1b[31mred')
  )
}

t.test('keys and values of others are escaped', async (t) => {
  const done = (answer: object) => ({ outcome: 'done', answer: { ok: true, ...answer } }) as Outcome
  const shown: [string, object][] = [
    ['get', { value: evil }],
    ['scan', { entries: [[evil, evil]], more: true }],
    ['scan', { entries: [[evil, evil]], more: true, page: `x.1-0-${evil}` }],
    ['members', { members: [{ id: evil, client: evil, peer: evil, role: evil }], leader: evil }],
    ['add_node', { voters: [evil] }],
    ['info', { info: { id: evil, [evil]: { deep: [evil] } } }],
    ['other', { [evil]: evil }],
  ]
  for (const [command, answer] of shown) t.ok(isSafe(describeOutcome({ command }, done(answer))), command)
  t.match(describeOutcome({ command: 'get' }, done({ value: long })), long, 'a value that was asked for is whole')
  t.ok(isSafe(describeCommand({ command: 'set', key: evil, value: evil })))
})

t.test('refusals are escaped, and cut', async (t) => {
  const error = { code: evil, message: evil, actual: evil, leader: evil, address: evil, definite: true, other: evil }
  t.ok(isSafe(describeOutcome({ command: 'cas' }, { outcome: 'refused', error } as never)))
  const text = describeOutcome({ command: 'set' }, { outcome: 'unknown', error: { ...error, message: long } } as never)
  t.ok(text.length < 4_000)
})

t.test('events are escaped, cut, and may have any details', async (t) => {
  const names = [
    'peer_refused',
    'elected',
    'members',
    'ready',
    'cut',
    'waiting',
    'starting',
    'not_ready',
    'changed',
    'unheard_of',
    'toString',
  ]
  const strange = [evil, long, 7, null, [evil], { deep: { [evil]: evil } }, undefined]
  const details = ['reason', 'votes', 'voters', 'nodes', 'links', 'for', 'peer', 'message', 'text']
  for (const event of names)
    for (const value of strange) {
      const text = describeEvent({
        event,
        node: evil,
        ...Object.fromEntries(details.map((name) => [name, value])),
      } as never)
      t.ok(isSafe(text), event)
      t.ok(text.length < 100_000)
    }
  t.ok(isSafe(describeBar({ event: 'catching_up', node: evil, round: 1, done: 1, total: 2, of: evil })))
})

t.test('a history of others is drawn escaped', async (t) => {
  const operation = { client: evil, id: 1, call: 1, return: 2, outcome: 'done' }
  const history = [
    { ...operation, command: { command: 'set', key: evil, value: evil }, answer: { ok: true } },
    { ...operation, id: 2, call: 3, return: 4, command: { command: 'get', key: evil }, answer: { value: `${evil}!` } },
  ]
  const text = describeCheck(checkHistory(history as never))
  t.match(text, /not linearizable/)
  t.ok(isSafe(text))
})
