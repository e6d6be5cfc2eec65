import type { Apply, ErrorCode, Performance, Request } from '../../../src/contracts.js'
import { replaced, type Stage, type StageTable, stage } from '../../../src/stage.js'
import { moveClock } from '../../../stages/9-client-interaction/cluster-time.js'
import { endSessions } from '../../../stages/9-client-interaction/end-sessions.js'
import type { WriteEnvelope } from '../../../stages/9-client-interaction/envelope.js'
import type { InteractionMessage } from '../../../stages/9-client-interaction/messages.js'
import { performOnce, restoreSessions } from '../../../stages/9-client-interaction/perform-once.js'
import { proposeCall } from '../../../stages/9-client-interaction/propose-call.js'
import type { Responder } from '../../../stages/9-client-interaction/responder.js'
import type { SessionCall } from '../../../stages/9-client-interaction/session-call.js'
import interaction from '../../../stages/9-client-interaction/stage.js'
import type { WrongRule } from './wrong-rule.js'

type Table = StageTable<Responder, InteractionMessage>

export const right = interaction.table

export function replacing(rules: Partial<Table>): Stage {
  return stage<Responder, InteractionMessage>({ ...right, ...rules })
}

const anew = (): Performance => ({ isNew: true, result: { answer: null } })

/** A stage that performs a call again where the right rule has this answer for it. */
function performingAgain(isSo: (decision: Performance) => boolean): Stage {
  return replacing({
    perform: [
      (node, entry) => {
        const decision = performOnce(node, entry)
        return decision && isCall(entry) && !decision.isNew && isSo(decision) ? anew() : decision
      },
    ],
  })
}

const isCall = ({ payload }: Apply) => payload.kind === 'command' && payload.call !== undefined

const codeOf = ({ result: { answer } }: Performance): ErrorCode | null =>
  answer && !answer.ok ? answer.error.code : null

/** A stage that restores the table of a snapshot by another rule. */
function restoring(restore: (node: Responder, kept: readonly unknown[]) => void): Stage {
  return replacing({ restored: replaced(right.restored, restoreSessions, restore) })
}

interface KeptSession {
  readonly session?: number
  readonly answers?: readonly (readonly [sequence: number, print: number, index: number, answer: unknown])[]
}

/** A wrong rule: a leader looks for the call among those that it has performed, and proposes it if it is new. */
function proposeIfNew(node: Responder, request: Request<unknown>): void {
  const { session, sequence } = (request.envelope ?? {}) as WriteEnvelope
  const kept = (node.sessions.keep() as KeptSession[]).find((one) => session !== undefined && one.session === session)
  const known = kept?.answers?.find(([number]) => number === sequence)
  if (!known?.[3]) return proposeCall(node, request)
  node.effects.replies.push({ request: request.id, answer: known[3] as Performance['result']['answer'] & object })
}

function idleMsOf({ timing }: Responder): number {
  return timing.sessionTicks * timing.tickMs
}

/** Wrong ways to find copies of a call. */
const wrongTables: readonly WrongRule[] = [
  {
    name: 'copies-looked-for-when-proposing',
    what: 'a leader looks for copies when it proposes: a new one does not know yet what is in its log, and does it twice',
    stage: replacing({
      requests: { ...right.requests, write: proposeIfNew },
      perform: [
        (node, entry) => {
          const decision = performOnce(node, entry)
          return decision && isCall(entry) && codeOf(decision) === null ? anew() : decision
        },
      ],
    }),
    caught: { guarantee: 'G12', climate: 'churn', seeds: 40 },
  },
  {
    name: 'sessions-not-in-snapshots',
    what: 'a snapshot holds the store and not the sessions: who starts from it knows of none, and refuses what others do',
    stage: replacing({
      kept: [],
      restored: replaced(right.restored, restoreSessions, (node) => restoreSessions(node, [])),
    }),
    caught: { guarantee: 'G6', climate: 'storm', seeds: 10 },
  },
  {
    name: 'answers-not-restored',
    what: 'sessions come back from a snapshot without their answers: a copy is done twice where one was restored',
    stage: restoring((node, kept) =>
      restoreSessions(
        node,
        (kept as KeptSession[]).map((one) => (one.answers ? { ...one, answers: [] } : one)),
      ),
    ),
    caught: { claim: 'the sessions are in the snapshot: who starts from one answers a copy as it was answered before' },
  },
  {
    name: 'numbers-of-all-sessions-together',
    what: 'a call is known by its number alone: whoever has the same number in another session gets that answer',
    stage: replacing({
      perform: [
        (node, entry) => {
          const { payload } = entry
          const first = node.sessions.oldest?.name
          if (payload.kind !== 'command' || payload.call === undefined || first === undefined)
            return performOnce(node, entry)
          const [, ...number] = payload.call as SessionCall
          const call: SessionCall = [first, ...number]
          return performOnce(node, { ...entry, payload: { ...payload, call } })
        },
      ],
    }),
    caught: { claim: 'the same number in another session is another call' },
  },
  {
    name: 'refusals-not-remembered',
    what: 'only what was done is remembered: a call that was refused is done when it is asked again, and has two outcomes',
    stage: performingAgain((one) => codeOf(one) === 'cas_mismatch' || codeOf(one) === 'bad_sequence'),
    caught: { claim: 'a call has one outcome: a refusal is remembered like any answer' },
  },
  {
    name: 'forgotten-means-new',
    what: 'a call whose answer was let go counts as new: a copy that comes late is done again',
    stage: performingAgain((one) => codeOf(one) === 'answer_forgotten'),
    caught: { claim: 'an answer that the client waits for no more is forgotten, and a late copy is not done again' },
  },
]

/** Wrong ways to end sessions. */
const wrongEnds: readonly WrongRule[] = [
  {
    name: 'ended-means-none',
    what: 'a call of a session that has ended is done as if it were of none: its copy may have been done before the end',
    stage: performingAgain((one) => codeOf(one) === 'session_expired'),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 20 },
  },
  {
    name: 'sessions-end-by-own-clock',
    what: 'each node ends sessions when its own clock says so: one does what another refuses, and they differ for ever',
    stage: replacing({
      tick: replaced(right.tick, endSessions, (node) => {
        const idleMs = idleMsOf(node)
        node.sessions.perform(0, { event: 'expire', time: node.ticks * node.timing.tickMs, idleMs })
      }),
    }),
    caught: { guarantee: 'G14', climate: 'storm', seeds: 10 },
  },
  {
    name: 'ended-when-proposed',
    what: 'a leader ends a session when it proposes the end: until that is committed, and if never, others know it still',
    stage: replacing({
      tick: replaced(right.tick, endSessions, (node) => {
        const { index } = node.log.last
        endSessions(node)
        const idleMs = idleMsOf(node)
        if (node.log.last.index > index) node.sessions.perform(0, { event: 'expire', time: node.clock, idleMs })
      }),
    }),
    caught: {
      claim: 'a session ends by an entry of the log, at the same place on all nodes, and by no clock of its own',
    },
  },
  {
    name: 'time-goes-on-without-a-leader',
    what: 'the time of the cluster goes on while nobody leads: whoever is elected ends the sessions of all who waited for it',
    stage: replacing({
      tick: replaced(right.tick, moveClock, (node) => {
        node.clock = Math.max(node.clock, node.sessions.time) + node.timing.tickMs
      }),
    }),
    caught: { claim: 'the time of sessions stands still while nobody leads: an election ends none' },
  },
]

/** Wrong rules for the sessions of clients. */
export const wrongSessions: readonly WrongRule[] = [...wrongTables, ...wrongEnds]
