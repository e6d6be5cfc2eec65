import t from 'tap'
import { Session } from '../../client/repl/session.js'
import { describeOutcome, plainOutcome } from '../../client/text/answers.js'
import { describePayload } from '../../client/text/log-text.js'
import { failure, outcomeOf } from '../../src/contracts.js'

const keyValueCommands = ['get', 'set', 'delete', 'append', 'cas', 'scan']
const append = { command: 'append', key: 'a', value: 'x', session: 6, sequence: 1 }
const done = (answer: object) => outcomeOf({ ok: true, ...answer })

t.test('check takes the copies of one call for one command', async (t) => {
  const session = new Session(keyValueCommands)
  session.record(append, outcomeOf(failure('timeout', 'no answer')), 1, 2)
  session.record({ ...append, withIndex: true }, outcomeOf(failure('no_leader', 'nobody leads')), 3, 4)
  session.record({ ...append, firstOutstanding: 1 }, done({ length: 1 }), 5, 6)
  session.record(append, done({ length: 1 }), 7, 8)
  session.record({ ...append, value: 'y' }, outcomeOf(failure('bad_sequence', 'another command')), 9, 10)
  session.record({ command: 'get', key: 'a' }, done({ value: 'x' }), 11, 12)
  t.match(session.check(), /linearizable: 3 operations on 1 key/)
})

t.test('no history of another application is judged', async (t) => {
  const session = new Session(['get', 'set', 'nearest'])
  session.record({ command: 'set', store: 'docs', items: [] }, done({ added: 0 }), 1, 2)
  t.throws(() => session.check(), { name: 'ConfigError', message: /commands of the key-value store/ })
  t.throws(() => session.save('x', false), { name: 'ConfigError' })
})

t.test('check judges no stale read', async (t) => {
  const session = new Session(keyValueCommands)
  session.record({ command: 'set', key: 'a', value: '1' }, done({}), 1, 2)
  session.record({ command: 'get', key: 'a', consistency: 'stale' }, done({ value: null, index: 3 }), 3, 4)
  t.match(session.check(), /linearizable: 1 operations/)
})

t.test('an answer tells what stands beside it; a pipe has the bare value', async (t) => {
  const get = { command: 'get', key: 'a', consistency: 'stale' }
  const told = done({ value: '1', index: 7, ageMs: 40 })
  t.equal(describeOutcome(get, told), '"1" (index 7, at most 40 ms old)')
  t.equal(plainOutcome(get, told), '1')
  const set = { command: 'set', key: 'a', value: '1', withIndex: true }
  t.equal(plainOutcome(set, done({ index: 8 })), 'ok (index 8)')
  t.equal(describeOutcome({ command: 'transfer_leader' }, done({ leader: 'n2' })), 'ok (n2 leads)')
  t.equal(describeOutcome({ command: 'open_session' }, done({ session: 6 })), 'ok (session 6)')
})

t.test('an entry about sessions is one line', async (t) => {
  const told = (session: object) => describePayload({ kind: 'session', session })
  t.equal(told({ event: 'open', time: 5 }), 'session opened')
  t.equal(told({ event: 'open', time: 5, instead: 6 }), 'session opened in place of session 6')
  t.equal(told({ event: 'expire', time: 5, idleMs: 600_000 }), 'sessions end that were unused for 600 s')
  t.equal(told({ event: 'end', time: 5, session: 6 }), 'session 6 ends')
})
