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
