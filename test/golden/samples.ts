/** One example of all that travels, from which the golden lines are made, and with which they are compared. */
import { type Command, commandPayload, type Message, makeEntry, noOp, type Payload } from '../../src/contracts.js'
import type { Datagram } from '../../src/network/datagrams.js'
import type { Stage } from '../../src/stage.js'

const ends = { from: 'n1', to: 'n3' }
const common = { ...ends, term: 5 }
const server = (id: string) => ({
  id,
  client: `${id}.example:7001`,
  peer: `${id}.example:7101`,
  incarnation: `disk-${id}`,
})
const configuration: Payload = {
  kind: 'configuration',
  configuration: {
    origin: 'disk-n1',
    voters: ['n1', 'n2', 'n3'].map(server),
    outgoing: ['n1'].map(server),
    learners: [{ ...server('n4'), stays: true }],
  },
}
const write: Command = { command: 'set', key: 'a', value: 'é 漢 "quoted"\n' }
const call = [9, 2, 1, 30_000]

/** Every kind of entry, at the first stage that has it. */
const payloads: readonly (readonly [stage: number, payload: Payload])[] = [
  [4, commandPayload(write)],
  [6, noOp],
  [8, configuration],
  [9, commandPayload({ command: 'append', key: 'a', value: 'b' }, call)],
  [9, { kind: 'session', session: { event: 'open', time: 30_000, instead: 4 } }],
  [9, { kind: 'session', session: { event: 'expire', time: 30_000, idleMs: 3_600_000 } }],
  [9, { kind: 'session', session: { event: 'end', time: 30_000, session: 9 } }],
  [10, { kind: 'features', features: ['compare-results'] }],
]

const entriesAt = (stage: number) =>
  payloads.filter(([since]) => since <= stage).map(([, payload], at) => makeEntry(at + 3, 4, payload))

const snapshot = { lastIncludedIndex: 7, lastIncludedTerm: 4, bytes: 20, sha256: '0123456789abcdef'.repeat(4) }
const vote = { lastLogIndex: 3, lastLogTerm: 4 }
const passedOn = { life: 8, number: 3, firstOpen: 2, entries: [makeEntry(3, 4, commandPayload(write))] }

/** The fields of each message, besides its type and its two ends. */
const fields: Readonly<Record<string, object>> = {
  Replicate: { ...ends, write: 7, command: write },
  Replicated: { ...ends, write: 7 },
  AppendEntries: { ...common, sequence: 1, prevLogIndex: 2, prevLogTerm: 3, leaderCommit: 2 },
  AppendEntriesReply: { ...common, sequence: 1, matchIndex: 7 },
  AppendEntriesConflict: { ...common, sequence: 1, prevLogIndex: 4, conflictTerm: null, conflictIndex: 4 },
  RequestVote: { ...common, ...vote },
  RequestVoteReply: { ...common, voteGranted: true },
  StaleTerm: common,
  InstallSnapshot: { ...common, sequence: 1, ...snapshot, offset: 8, data: Buffer.from('a piece\n\0\xff') },
  InstallSnapshotReply: { ...common, sequence: 1, held: 16, matchIndex: 0 },
  Introduce: ends,
  Introduction: ends,
  Removed: { ...ends, index: 4 },
  Displaced: { ...ends, index: 4, disk: 'disk-n3', why: 'older' },
  ConfirmLeader: { ...common, round: 4 },
  LeaderConfirmed: { ...common, round: 4 },
  ReadIndex: { ...common, question: 4 },
  ReadIndexReply: { ...common, question: 4, readIndex: 9 },
  PreVote: { ...ends, round: 7, nextTerm: 5, ...vote },
  PreVoteReply: { ...ends, round: 7, preVoteGranted: false, voterTerm: 5, leader: 'n2' },
  TimeoutNow: { ...common, lastLogIndex: 3 },
  RequestVoteNow: { ...common, ...vote },
  OfferToLead: { ...common, priority: 2 },
  Forward: { ...common, ...passedOn },
  ForwardRequest: { ...common, ...passedOn, request: '{"prevLogIndex":7,"prevLogTerm":1}' },
  ForwardReply: { ...common, life: 8, number: 3, index: 9, answer: '{"ok":true}' },
  ResultSum: { ...common, index: 1_024, sum: 4_294_967_295 },
  ResultsDiffer: { ...common, index: 1_024 },
}

/** An example of each message of a stage, as a node of it would send it. */
export function messagesOf({ number, messages, isIdentified }: Stage): Message[] {
  const identity = isIdentified ? { incarnation: 'disk-n1', origin: 'disk-n1' } : {}
  return Object.keys(messages).map((type) => {
    if (!fields[type]) throw new Error(`test/golden/samples.ts has no example of ${type}: add one`)
    const entries = type === 'AppendEntries' ? { entries: entriesAt(number) } : {}
    return { type, ...ends, ...fields[type], ...entries, ...identity } as Message
  })
}

const identity = { incarnation: 'disk-n1', origin: 'disk-n1' }
const release = { protocols: { from: 3, to: 3 }, stage: 10, features: ['compare-results'] }
const names = { cluster: 'golden', from: 'n1', to: 'n2' }

/** The hello of this release, and that of release 0.1, over gRPC. */
export const packets = {
  'hello of 0.1': { hello: { protocol: 3, ...names, address: 'n1.example:7101', ...identity } },
  hello: {
    hello: {
      protocol: 3,
      ...names,
      address: 'n1.example:7101',
      ...identity,
      oldest: 3,
      newest: 3,
      stage: 10,
      features: release.features,
    },
  },
}

const parcel = { cluster: '00112233aabbccdd', session: 7, from: 'n1', to: 'n2', number: 3, index: 0, count: 1 }
const json = (value: object) => Buffer.from(JSON.stringify(value))

/** Every kind of datagram; the hello of this release, and that of release 0.1. */
export const datagrams: Readonly<Record<string, Datagram>> = {
  'hello of 0.1': { ...parcel, protocol: 3, kind: 'hello', payload: json(identity) },
  hello: { ...parcel, protocol: 3, kind: 'hello', payload: json({ ...identity, ...release }) },
  callback: { ...parcel, protocol: 3, kind: 'callback', payload: json({ ...identity, ...release }) },
  refused: { ...parcel, protocol: 3, kind: 'refused', payload: json({ ...identity, protocols: { from: 4, to: 5 } }) },
  answer: { ...parcel, protocol: 3, kind: 'answer', payload: Buffer.from('00000007', 'hex') },
  data: { ...parcel, protocol: 3, kind: 'data', payload: Buffer.from('0003616263', 'hex') },
}

/** Requests and answers of clients, as frames. */
export const frames: readonly object[] = [
  { id: 1, command: 'set', key: 'a', value: 'é', session: 9, sequence: 2, firstOutstanding: 1 },
  { id: 2, command: 'get', key: 'a', consistency: 'stale' },
  { id: 2, ok: true, value: null },
  {
    id: 3,
    ok: false,
    error: { code: 'not_leader', message: 'n2 leads', definite: true, leader: 'n2', address: 'n2.example:7001' },
  },
]
