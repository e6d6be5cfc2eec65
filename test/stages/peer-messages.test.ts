/** What peers say from stage 4 on: through both codecs unchanged, and nothing else is heard. */
import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  type Command,
  commandPayload,
  type Entry,
  isNodeId,
  type Message,
  makeEntry,
  noOp,
  type Payload,
} from '../../src/contracts.js'
import { protobufCodec } from '../../src/network/grpc-codec.js'
import { isIdentified, jsonCodec } from '../../src/network/json-codec.js'
import { latest, stages } from '../../stages/index.js'
import { schemas } from '../../stages/schemas.js'

const text = fc.string({ unit: 'binary', maxLength: 10 })
const key = text.filter((candidate) => candidate !== '')
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ command: fc.constant('set'), key, value: text }, { noNullPrototype: true }),
  fc.record({ command: fc.constant('get'), key }, { noNullPrototype: true }),
  fc.record({ command: fc.constant('cas'), key, expected: fc.option(text), value: text }, { noNullPrototype: true }),
)
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 64 })
const address = fc.integer({ min: 1, max: 65_535 }).map((port) => `node-${port}.example:${port}`)
const nodeId = fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/).filter(isNodeId)
/** As a log of the stage where members change has them: servers of different names, in each part but the voters also none. */
const servers = fc.uniqueArray(
  fc.record({ id: nodeId, client: address, peer: address, incarnation: text }, { noNullPrototype: true }),
  { maxLength: 3, selector: ({ id }) => id },
)
const configuration: fc.Arbitrary<Payload> = fc
  .record(
    {
      origin: text,
      voters: servers.filter(({ length }) => length > 0),
      outgoing: fc.option(servers),
      learners: servers,
    },
    { noNullPrototype: true },
  )
  .map((configuration) => ({ kind: 'configuration' as const, configuration }))
const natural = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 }), fc.maxSafeNat())
const positive = natural.filter((number) => number > 0)
/** Every term that a message may bear. */
const term = positive.filter((number) => number <= 2 ** 52)
const ends = { from: fc.constantFrom('n1', 'n2'), to: fc.constantFrom('n3', '') }

function entriesBehind(index: number, term: number, steps: readonly { rise: number; payload: Payload }[]): Entry[] {
  let last = term
  return steps.map(({ rise, payload }, at) => {
    last += rise
    return makeEntry(index + at + 1, Math.max(1, last), payload)
  })
}

/** Only before the first entry is there no term. */
const termOf = (index: number, drawn: number) => (index === 0 ? 0 : Math.max(1, drawn))

const appending = (held: fc.Arbitrary<Payload>) =>
  fc
    .record({
      ...ends,
      sequence: positive,
      prevLogIndex: fc.nat(1_000),
      prevLogTerm: fc.nat(50),
      leaderCommit: natural,
      steps: fc.array(fc.record({ rise: fc.nat(2), payload: held }), { maxLength: 4 }),
      later: fc.nat(3),
    })
    .map(({ steps, later, ...fields }) => {
      const prevLogTerm = termOf(fields.prevLogIndex, fields.prevLogTerm)
      const entries = entriesBehind(fields.prevLogIndex, prevLogTerm, steps)
      const term = Math.max(1, entries.at(-1)?.term ?? prevLogTerm) + later
      return { type: 'AppendEntries', term, ...fields, prevLogTerm, entries }
    })
const conflict = fc
  .record({ ...ends, term, sequence: positive, conflictTerm: fc.option(term), conflictIndex: positive })
  .map((fields) => ({ type: 'AppendEntriesConflict', ...fields, prevLogIndex: fields.conflictIndex }))
  .map((fields) => ({ ...fields, term: Math.max(fields.term, fields.conflictTerm ?? 1) }))
const requestVote = fc
  .record({ ...ends, lastLogIndex: natural, lastLogTerm: fc.nat(50), later: fc.integer({ min: 1, max: 3 }) })
  .map(({ later, ...fields }) => {
    const lastLogTerm = termOf(fields.lastLogIndex, fields.lastLogTerm)
    return { type: 'RequestVote', term: lastLogTerm + later, ...fields, lastLogTerm }
  })
/** Every kind of byte that there is, and no byte at all; a piece that ends where its file does, or before. */
const installSnapshot = fc
  .record({
    ...ends,
    sequence: positive,
    lastIncludedIndex: positive,
    lastIncludedTerm: fc.integer({ min: 1, max: 50 }),
    later: fc.nat(3),
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    offset: fc.nat(2 ** 40),
    data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    rest: fc.nat(1_000),
  })
  .filter(({ offset, data, rest }) => offset + data.length + rest > 0)
  .map(({ later, rest, ...fields }) => {
    const { lastIncludedTerm, offset, data } = fields
    const bytes = offset + data.length + rest
    return { type: 'InstallSnapshot', term: lastIncludedTerm + later, ...fields, bytes }
  })
const plain = (type: string, fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({ type: fc.constant(type), ...ends, term, ...fields }, { noNullPrototype: true })

const life = fc.integer({ min: 1, max: 2 ** 33 })
const forward = fc
  .record({ ...ends, term, life, number: positive, firstOpen: positive, command })
  .filter(({ number, firstOpen }) => firstOpen <= number)
  .map(({ command, ...fields }) => {
    const entries = [makeEntry(fields.number, 1, commandPayload(command))]
    return { type: 'Forward', ...fields, entries }
  })
const forwardRequest = fc
  .tuple(forward, fc.boolean())
  .map(([{ entries, ...fields }, isOwn]) =>
    isOwn
      ? { ...fields, type: 'ForwardRequest', entries: [], request: '{"command":"open_session"}' }
      : { ...fields, type: 'ForwardRequest', entries, request: '{"prevLogIndex":7,"prevLogTerm":1}' },
  )
const answer = fc.constantFrom('{"ok":true}', '{"ok":false,"error":{"code":"timeout","message":"","definite":false}}')

const termless = (type: string, fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({ type: fc.constant(type), ...ends, ...fields }, { noNullPrototype: true })

/** Every message by its type, with numbers of every size, and zero, null, empty and none where they may be. */
const messages: Readonly<Record<string, fc.Arbitrary<object>>> = {
  AppendEntries: appending(command.map((one) => commandPayload(one))),
  AppendEntriesReply: plain('AppendEntriesReply', { sequence: positive, matchIndex: natural }),
  AppendEntriesConflict: conflict,
  RequestVote: requestVote,
  RequestVoteReply: plain('RequestVoteReply', { voteGranted: fc.boolean() }),
  StaleTerm: plain('StaleTerm', {}),
  InstallSnapshot: installSnapshot,
  InstallSnapshotReply: plain('InstallSnapshotReply', { sequence: positive, held: natural, matchIndex: natural }),
  Introduce: termless('Introduce', {}),
  Introduction: termless('Introduction', { incarnation: name, origin: fc.oneof(fc.constant(''), name) }),
  Removed: termless('Removed', { index: positive }),
  ConfirmLeader: plain('ConfirmLeader', { round: positive }),
  LeaderConfirmed: plain('LeaderConfirmed', { round: positive }),
  ReadIndex: plain('ReadIndex', { question: positive }),
  ReadIndexReply: plain('ReadIndexReply', { question: positive, readIndex: natural }),
  Forward: forward,
  ForwardRequest: forwardRequest,
  ResultSum: plain('ResultSum', { index: positive, sum: natural }),
  ResultsDiffer: plain('ResultsDiffer', { index: positive }),
  ForwardReply: plain('ForwardReply', { life, number: positive, index: natural, answer }),
  PreVote: termless('PreVote', {
    round: positive,
    nextTerm: term.filter((number) => number > 1),
    lastLogIndex: positive,
    lastLogTerm: fc.constant(1),
  }),
  PreVoteReply: fc.oneof(
    termless('PreVoteReply', {
      round: positive,
      preVoteGranted: fc.boolean(),
      voterTerm: natural,
      leader: fc.constant(null),
    }),
    termless('PreVoteReply', {
      round: positive,
      preVoteGranted: fc.constant(false),
      voterTerm: natural,
      leader: nodeId,
    }),
  ),
  TimeoutNow: plain('TimeoutNow', { lastLogIndex: natural }),
  RequestVoteNow: requestVote.map((fields) => ({ ...fields, type: 'RequestVoteNow' })),
  OfferToLead: plain('OfferToLead', { priority: positive }),
  Displaced: termless('Displaced', { index: positive, disk: name, why: fc.constantFrom('replaced', 'older') }),
}

for (const stage of stages.slice(4)) {
  const codecs = { json: jsonCodec(stage), protobuf: protobufCodec(stage, schemas) }
  t.test(`stage ${stage.number}: every message goes through both codecs unchanged`, async (t) => {
    for (const type of Object.keys(stage.messages)) {
      const isLarger = type === 'AppendEntries' && stage.members === 'changing'
      const arbitrary = isLarger
        ? appending(
            fc.oneof(
              command.map((one) => commandPayload(one)),
              configuration,
            ),
          )
        : messages[type]
      if (!arbitrary) return t.fail(`no examples of ${type}`)
      for (const [name, codec] of Object.entries(codecs)) {
        const survives = fc.property(arbitrary, (drawn) => {
          const sent = stage.isIdentified ? { incarnation: 'd', origin: 'o', ...drawn } : drawn
          deepStrictEqual(codec.decode(codec.encode(sent as Message)), sent)
        })
        t.doesNotThrow(() => fc.assert(survives, { numRuns: 200 }), `${type} through ${name}`)
      }
    }
  })
}

const common = { from: 'n1', to: 'n3', term: 5 }
const entries = [makeEntry(3, 4, commandPayload({ command: 'set', key: 'a', value: '' })), makeEntry(4, 5, noOp)]
const append = { type: 'AppendEntries', ...common, sequence: 1, prevLogIndex: 2, prevLogTerm: 3, leaderCommit: 0 }

const snapshot = { lastIncludedIndex: 7, lastIncludedTerm: 4, bytes: 20, sha256: '0123456789abcdef'.repeat(4) }
const piece = { type: 'InstallSnapshot', ...common, sequence: 1, ...snapshot, offset: 8, data: new Uint8Array(8) }
const received = { type: 'InstallSnapshotReply', ...common, sequence: 1, held: 16, matchIndex: 0 }

/** One right message of each type, whose fields are then made wrong, each in turn. */
const examples: readonly Readonly<Record<string, unknown>>[] = [
  { ...append, entries },
  { type: 'AppendEntriesReply', ...common, sequence: 1, matchIndex: 0 },
  { type: 'AppendEntriesConflict', ...common, sequence: 1, prevLogIndex: 4, conflictTerm: null, conflictIndex: 4 },
  { type: 'RequestVote', ...common, lastLogIndex: 0, lastLogTerm: 0 },
  { type: 'RequestVoteReply', ...common, voteGranted: false },
  { type: 'StaleTerm', ...common },
  piece,
  received,
  { type: 'Removed', from: 'n1', to: 'n3', index: 4 },
  { type: 'PreVote', from: 'n1', to: 'n3', round: 7, nextTerm: 5, lastLogIndex: 3, lastLogTerm: 4 },
  { type: 'PreVoteReply', from: 'n1', to: 'n3', round: 7, preVoteGranted: true, voterTerm: 0, leader: null },
  { type: 'TimeoutNow', ...common, lastLogIndex: 3 },
  { type: 'RequestVoteNow', ...common, lastLogIndex: 0, lastLogTerm: 0 },
  { type: 'OfferToLead', ...common, priority: 1 },
  { type: 'ResultSum', ...common, index: 4, sum: 0 },
  { type: 'ResultsDiffer', ...common, index: 4 },
  { type: 'ForwardReply', ...common, life: 8, number: 2, index: 0, answer: '{"ok":true}' },
  { type: 'Forward', ...common, life: 8, number: 3, firstOpen: 2, entries: entries.slice(0, 1) },
  { type: 'ForwardRequest', ...common, life: 8, number: 3, firstOpen: 2, entries: entries.slice(0, 1), request: '{}' },
]

const passes = (candidate: Readonly<Record<string, unknown>>) =>
  latest.messages[candidate.type as string]!.check(candidate)
const notNumbers = [-1, 0.5, '1', true, undefined, {}, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]

t.test('a message with a wrong field is not heard, whichever field it is', async (t) => {
  for (const example of examples) {
    t.ok(passes(example), `${String(example.type)} as it should be`)
    for (const [field, value] of Object.entries(example)) {
      if (typeof value !== 'number' && value !== null) continue
      for (const wrong of notNumbers) t.notOk(passes({ ...example, [field]: wrong }), `${field}: ${String(wrong)}`)
      if (value !== null) t.notOk(passes({ ...example, [field]: null }), `${field}: null`)
    }
  }
})

t.test('what numbers from one cannot be zero', async (t) => {
  for (const example of examples) if ('term' in example) t.notOk(passes({ ...example, term: 0 }), String(example.type))
  t.notOk(passes({ type: 'Removed', from: 'n1', to: 'n3', index: 0 }))
  const [first, reply, refusal] = examples
  for (const example of [first, reply, refusal, piece, received]) t.notOk(passes({ ...example, sequence: 0 }))
  for (const field of ['prevLogIndex', 'conflictTerm', 'conflictIndex']) t.notOk(passes({ ...refusal, [field]: 0 }))
})

t.test('terms and indexes of a message must fit together', async (t) => {
  const [, , refusal, ask] = examples
  t.notOk(passes({ ...refusal, conflictIndex: 5 }), 'walking back goes back')
  t.notOk(passes({ ...ask, lastLogIndex: 0, lastLogTerm: 1 }), 'no entry has no term')
  t.notOk(passes({ ...append, prevLogTerm: 0 }), 'and every entry has one')
  t.notOk(passes({ ...ask, lastLogTerm: 5 }), 'a candidate is in a later term than its log')
  t.ok(passes({ ...append, entries: [] }))
  t.notOk(passes({ ...append, prevLogTerm: 6, entries: [] }), 'a log is not ahead of its leader')
  const at = (index: number, term: number) => makeEntry(index, term, commandPayload({ command: 'get', key: 'a' }))
  for (const wrong of [[at(4, 4)], [at(3, 2)], [at(3, 6)], [at(3, 4), at(5, 4)], [at(3, 5), at(4, 4)]]) {
    t.notOk(passes({ ...append, entries: wrong }), JSON.stringify(wrong))
  }
  for (const wrong of [undefined, null, 'a', {}]) t.notOk(passes({ ...append, entries: wrong }))
  for (const command of ['toString', 'fly', 'info']) {
    t.notOk(
      passes({ ...append, entries: [makeEntry(3, 4, commandPayload({ command }))] }),
      `nobody can perform ${command}`,
    )
  }
  t.notOk(passes({ ...append, entries: [makeEntry(3, 4, commandPayload({ command: 'get', key: { deep: 1 } }))] }))
})

t.test('a piece of a snapshot lies within its file, and the file has a name', async (t) => {
  for (const field of ['lastIncludedIndex', 'lastIncludedTerm', 'bytes'])
    t.notOk(passes({ ...piece, [field]: 0 }), field)
  t.ok(passes({ ...piece, offset: 0 }), 'its beginning')
  t.ok(passes({ ...piece, offset: 12 }), 'its end')
  t.ok(passes({ ...piece, offset: 20, data: new Uint8Array(0) }), 'nothing is left of it')
  t.notOk(passes({ ...piece, offset: 13 }), 'a byte beyond it')
  t.notOk(passes({ ...piece, offset: 21, data: new Uint8Array(0) }))
  t.ok(passes({ ...piece, lastIncludedTerm: 5 }))
  t.notOk(passes({ ...piece, lastIncludedTerm: 6 }), 'what was committed is not ahead of the leader')
  const { sha256 } = snapshot
  for (const wrong of [sha256.slice(1), `${sha256}0`, sha256.toUpperCase(), sha256.replace('0', 'g'), '', null, 7]) {
    t.notOk(passes({ ...piece, sha256: wrong }), String(wrong))
  }
  for (const wrong of [undefined, null, '', 'AAAA', [1, 2], { length: 8 }, 8])
    t.notOk(passes({ ...piece, data: wrong }))
})

t.test('a term behind which there is no room to go on is none', async (t) => {
  for (const example of examples) {
    if (!('term' in example)) continue
    t.ok(passes({ ...example, term: 2 ** 52 }), String(example.type))
    t.notOk(passes({ ...example, term: 2 ** 52 + 1 }), String(example.type))
    t.notOk(passes({ ...example, term: Number.MAX_SAFE_INTEGER }), String(example.type))
  }
})

t.test('a follower has no entry of a later term than its leader', async (t) => {
  const refusal = { type: 'AppendEntriesConflict', ...common, sequence: 1, prevLogIndex: 4, conflictIndex: 4 }
  t.ok(passes({ ...refusal, conflictTerm: 5 }))
  t.notOk(passes({ ...refusal, conflictTerm: 6 }))
})

t.test('an entry is held against the shape of its command: every field, of its kind, and no other', async (t) => {
  const appended = (command: object) => ({ ...append, entries: [makeEntry(3, 4, commandPayload(command))] })
  const right: readonly Readonly<Record<string, unknown>>[] = [
    { command: 'get', key: 'a' },
    { command: 'set', key: 'a', value: '' },
    { command: 'delete', key: 'a' },
    { command: 'append', key: 'a', value: 'b' },
    { command: 'cas', key: 'a', expected: 'b', value: 'c' },
    { command: 'scan', prefix: 'a', after: 'b', limit: 3 },
  ]
  for (const command of right) {
    t.ok(passes(appended(command)), JSON.stringify(command))
    t.notOk(passes(appended({ ...command, more: 'x' })), `${command.command}: a field too many`)
    for (const [field, value] of Object.entries(command)) {
      if (field === 'command') continue
      const { [field]: _, ...rest } = command
      t.equal(passes(appended(rest)), command.command === 'scan', `${command.command} without ${field}`)
      for (const wrong of [null, 7.5, -1, true, {}, [], ['a']]) {
        const isRight = field === 'expected' && wrong === null
        t.equal(passes(appended({ ...command, [field]: wrong })), isRight, `${command.command}: ${field} ${wrong}`)
      }
      const other = typeof value === 'string' ? 7 : 'seven'
      t.notOk(passes(appended({ ...command, [field]: other })), `${command.command}: ${field} of another kind`)
    }
  }
  t.ok(passes(appended({ command: 'cas', key: 'a', expected: null, value: 'c' })))
  t.ok(passes(appended({ command: 'scan' })))
  for (const command of ['info', 'ping', 'members', 'add_node', 'fly', 'toString', '__proto__'])
    t.notOk(passes(appended({ command })), command)
})

t.test('a vote is yes or no', async (t) => {
  const reply = { type: 'RequestVoteReply', ...common }
  for (const voteGranted of [0, 1, 'true', null, undefined]) t.notOk(passes({ ...reply, voteGranted }))
})

t.test('a term that was conflicted with is null or a term: absent is neither', async (t) => {
  const refusal = { type: 'AppendEntriesConflict', ...common, sequence: 1, prevLogIndex: 4, conflictIndex: 4 }
  t.ok(passes({ ...refusal, conflictTerm: 4 }))
  t.notOk(passes(refusal))
})

t.test(
  'a voter that would vote names no leader, and nobody asks for a term that its own log has reached',
  async (t) => {
    const ask = { type: 'PreVote', from: 'n1', to: 'n3', round: 7, nextTerm: 5, lastLogIndex: 3, lastLogTerm: 4 }
    const reply = { type: 'PreVoteReply', from: 'n1', to: 'n3', round: 7, preVoteGranted: false, voterTerm: 4 }
    for (const leader of ['n2', null]) t.ok(passes({ ...reply, leader }))
    t.ok(passes({ ...reply, preVoteGranted: true, leader: null }))
    t.notOk(passes({ ...reply, preVoteGranted: true, leader: 'n2' }))
    for (const leader of [undefined, 7, '', 'x'.repeat(33)]) t.notOk(passes({ ...reply, leader }), String(leader))
    for (const preVoteGranted of [undefined, null, 'yes', 1])
      t.notOk(passes({ ...reply, preVoteGranted, leader: null }))
    for (const wrong of [{ round: 0 }, { nextTerm: 0 }, { nextTerm: 4 }, { lastLogIndex: 0 }, { lastLogTerm: 0 }])
      t.notOk(passes({ ...ask, ...wrong }), JSON.stringify(wrong))
  },
)

t.test('every message says which disk it is of, and of which cluster: names, and not long ones', async (t) => {
  const identity = { incarnation: 'd', origin: '' }
  for (const incarnation of ['d', 'x'.repeat(64)]) t.ok(isIdentified({ ...identity, incarnation }))
  for (const incarnation of ['', 'x'.repeat(65), 7, null, undefined, ['d'], {}])
    t.notOk(isIdentified({ ...identity, incarnation }), String(incarnation))
  for (const origin of ['', 'd', 'x'.repeat(64)]) t.ok(isIdentified({ ...identity, origin }))
  for (const origin of ['x'.repeat(65), 7, null, undefined, ['d'], {}])
    t.notOk(isIdentified({ ...identity, origin }), String(origin))
  const displaced = { type: 'Displaced', from: 'n1', to: 'n6', index: 1, disk: 'd', why: 'older' }
  t.ok(passes(displaced))
  for (const disk of ['x'.repeat(65), 7, null, undefined]) t.notOk(passes({ ...displaced, disk }), String(disk))
})

t.test('an entry may say who the members are, if it says all of it, and the stage knows of such entries', async (t) => {
  const server = { id: 'n1', client: 'h:1', peer: 'h:2', incarnation: 'd' }
  const members = { origin: 'n1', voters: [server], outgoing: null, learners: [] }
  const appended = (configuration: object) => ({
    ...append,
    entries: [makeEntry(3, 4, { kind: 'configuration', configuration })],
  })
  t.ok(passes(appended(members)))
  t.ok(passes(appended({ ...members, outgoing: [server], learners: [server] })))
  for (const field of ['voters', 'outgoing', 'learners']) {
    for (const wrong of [undefined, 'n1', 7, {}, [null], ['n1'], [[server]]])
      t.notOk(passes(appended({ ...members, [field]: wrong })), `${field}: ${JSON.stringify(wrong)}`)
    for (const part of Object.keys(server)) {
      for (const wrong of [undefined, null, 7, ['n1']])
        t.notOk(passes(appended({ ...members, [field]: [server, { ...server, [part]: wrong }] })), `${field}, ${part}`)
    }
  }
  for (const field of ['voters', 'learners']) t.notOk(passes(appended({ ...members, [field]: null })))
  for (const origin of [undefined, null, 7, {}]) t.notOk(passes(appended({ ...members, origin })), String(origin))
  for (const { number, messages, members: kind } of stages.slice(4))
    t.equal(messages.AppendEntries!.check(appended(members)), kind === 'changing', `stage ${number}`)
})
