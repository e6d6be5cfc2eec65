import t from 'tap'
import { commandPayload, type Message, makeEntry, type Request } from '../src/contracts.js'
import {
  inOrder,
  type NodeState,
  partsOf,
  replaced,
  replacedIn,
  type Stage,
  sendWhenDurable,
  stage,
} from '../src/stage.js'
import keyValueStore from '../stages/0-key-value-store/stage.js'
import { nodeOptions } from './helpers/core.js'

/** A request is one entry and one promise that waits for it. */
function promise(node: NodeState, { id, command }: Request<unknown>): void {
  const record = { record: 'entry' as const, entry: makeEntry(id, 1, commandPayload(command)) }
  const records = [...(node.effects.persist?.records ?? []), record]
  node.effects.persist = { records, upTo: { index: id, term: 1 } }
  sendWhenDurable<Message>(node, { type: `Promise${id}`, from: node.id, to: 'n2' })
}

const promising = stage<NodeState, never>({
  ...(keyValueStore as Stage),
  doubts: {},
  gate: [],
  on: {},
  start: [],
  tick: [],
  durable: [],
  perform: [],
  applied: [],
  saved: [],
  held: [],
  kept: [],
  restored: [],
  met: [],
  greeted: [],
  turn: [],
  state: () => ({ role: '', leader: null }),
  verbs: { status: ({ id, stage, role, leader, applied, peers }) => ({ id, stage, role, leader, applied, peers }) },
  requests: { read: promise, write: promise },
})

t.test('one write at a time: what is decided while the disk is at work is the next write, whole', async (t) => {
  const core = promising.create(nodeOptions('n1'))
  const ask = (id: number) => core.request({ id, command: { command: 'get' } })
  const take = () => {
    const { persist, sendWhenDurable } = core.take()
    return {
      upTo: persist?.upTo.index,
      writes: persist?.records.length,
      waits: sendWhenDurable.map(({ type }) => type),
    }
  }
  t.same(take(), { upTo: undefined, writes: undefined, waits: [] })
  ask(1)
  t.same(take(), { upTo: 1, writes: 1, waits: ['Promise1'] })
  ask(2)
  t.same(take(), { upTo: undefined, writes: undefined, waits: [] })
  ask(3)
  t.same(take(), { upTo: undefined, writes: undefined, waits: [] })
  core.durable({ index: 1, term: 1 })
  t.same(take(), { upTo: 3, writes: 2, waits: ['Promise2', 'Promise3'] })
  core.durable({ index: 3, term: 1 })
  t.same(take(), { upTo: undefined, writes: undefined, waits: [] })
})

t.test('a list names what it changes; a rule that is not there any more cannot be replaced in silence', async (t) => {
  const said: string[] = []
  const rule = (name: string) => Object.defineProperty(() => void said.push(name), 'name', { value: name })
  const [a, b, c, d] = [rule('a'), rule('b'), rule('c'), rule('d')] as const
  t.same(replaced([a, b, c], b, d), [a, d, c])
  t.same(replaced([a, b], b), [a])
  t.same(replaced([a, b], a, c, d), [c, d, b])
  t.throws(() => replaced([a, b], c, d), { message: 'the rule c cannot be replaced: the list has a, b' })
  t.throws(() => replaced([], c, d), { message: 'the rule c cannot be replaced: the list has no rules' })
  const both = inOrder(a, inOrder(b, c))
  t.same([both.name, partsOf(both)], ['a, b, c', [a, b, c]], 'what a rule is made of stays to be seen')
  replacedIn(both, b, d)({}, {})
  t.same(said, ['a', 'd', 'c'])
  t.throws(() => replacedIn(both, d, a), /cannot be replaced: the list has a, b, c/)
})
