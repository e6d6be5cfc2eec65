/** What a node passes on, and what comes back: nothing else is heard. */
import t from 'tap'
import { commandPayload, makeEntry, noOp } from '../../src/contracts.js'
import { latest } from '../../stages/index.js'

const common = { from: 'n1', to: 'n3', term: 5 }
const entries = [makeEntry(3, 4, commandPayload({ command: 'set', key: 'a', value: '' })), makeEntry(4, 5, noOp)]
const passes = (candidate: Readonly<Record<string, unknown>>) =>
  latest.messages[candidate.type as string]!.check(candidate)

t.test(
  'a command that is passed on is one entry with a command of no session, and its answer is an answer',
  async (t) => {
    const asked = { type: 'Forward', ...common, life: 8, number: 3, firstOpen: 3, entries: entries.slice(0, 1) }
    t.ok(passes(asked))
    const inSession = makeEntry(3, 4, commandPayload({ command: 'set', key: 'a', value: '' }, [1, 1, 1, 0]))
    const unknown = makeEntry(3, 4, commandPayload({ command: 'fly' }))
    for (const wrong of [undefined, [], entries, [entries[1]], [makeEntry(3, 4, noOp)], [inSession], [unknown]])
      t.notOk(passes({ ...asked, entries: wrong }), JSON.stringify(wrong))
    t.notOk(passes({ ...asked, firstOpen: 4 }))
    t.notOk(passes({ ...asked, number: 4 }))
    const answered = { type: 'ForwardReply', ...common, life: 8, number: 2, index: 0 }
    const failed = (error: unknown) => JSON.stringify({ ok: false, error })
    t.ok(passes({ ...answered, answer: failed({ code: 'timeout', message: 'm', definite: false }) }))
    for (const error of [
      undefined,
      'timeout',
      {},
      { code: 'timeout', message: 'm' },
      { code: 1, message: 'm', definite: true },
    ])
      t.notOk(passes({ ...answered, answer: failed(error) }), JSON.stringify(error))
    for (const wrong of [undefined, '', '{', '1', 'null', '{}', '{"ok":1}'])
      t.notOk(passes({ ...answered, answer: wrong }), String(wrong))
  },
)

t.test('a request that is passed on has fields beside its command, or is one of the node itself', async (t) => {
  const asked = { type: 'ForwardRequest', ...common, life: 8, number: 3, firstOpen: 3 }
  const write = { ...asked, entries: entries.slice(0, 1) }
  const own = { ...asked, entries: [] }
  for (const beside of ['{}', '{"session":1,"sequence":2}', '{"prevLogIndex":0,"prevLogTerm":0}'])
    t.ok(passes({ ...write, request: beside }), beside)
  for (const beside of [undefined, '', '[]', '{"session":1}', '{"prevLogTerm":1}', '{"prevLogIndex":-1}'])
    t.notOk(passes({ ...write, request: beside }), String(beside))
  for (const request of ['{"command":"open_session"}', '{"command":"remove_node","node":"n1"}'])
    t.ok(passes({ ...own, request }), request)
  for (const request of ['{}', '{"command":"set"}', '{"command":"ping"}', '{"command":"remove_node"}', '{"command":1}'])
    t.notOk(passes({ ...own, request }), request)
  t.notOk(passes({ ...write, entries: [entries[1]], request: '{}' }))
  t.notOk(passes({ ...write, firstOpen: 4, request: '{}' }))
  t.notOk(passes({ ...own, entries: undefined, request: '{"command":"open_session"}' }))
})
