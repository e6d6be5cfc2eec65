import { type ChangeStatus, type Command, type Event, failure, type Outcome, type Status } from '../../src/contracts.js'

declare module '../../src/events.js' {
  interface EventDetails {
    /** A newcomer catches up with the leader's log, in rounds; in round 0 it is asked for its disk's identity. */
    catching_up: { round: number; done?: number; total?: number; of?: string }
  }
}

const words = ['add_node', 'remove_node', 'reconfigure', 'promote', 'demote']

/** Checks whether a command changes the members. The answer comes when the change is done, which may be long after. */
export const isChange = ({ command }: Command) => words.includes(command)

/** Milliseconds that a change may take: a newcomer may have to receive a large snapshot first. */
const changeDeadlineMs = 600_000

/** Milliseconds before a command is repeated, and between two questions for progress. */
const pauseMs = 200

/** A client, or what asks a cluster in virtual time. */
interface Asking {
  call(command: Command, settings: { readonly deadlineMs: number }): Promise<Outcome>
}

export interface ChangeSettings {
  readonly deadlineMs?: number | undefined
  /** Called again and again with the newcomers' progress: one event `catching_up` for each newcomer. */
  readonly onProgress?: (events: readonly CatchingUp[]) => void
  /** Ends the waiting; the change may happen all the same. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks for a change of members, and waits until it is done. If the leader is deposed meanwhile, the next leader is
 * asked for the same change: it continues from its log, and does nothing twice.
 */
export async function changeMembers(client: Asking, command: Command, settings: ChangeSettings = {}): Promise<Outcome> {
  const { deadlineMs = changeDeadlineMs, onProgress, signal } = settings
  const over = new AbortController()
  const stopped = new Promise<Outcome>((resolve) => signal?.addEventListener('abort', () => resolve(given)))
  if (onProgress) void watch(client, onProgress, over.signal)
  try {
    return await Promise.race([askUntilDone(client, command, deadlineMs, over.signal), stopped])
  } finally {
    over.abort()
  }
}

const given: Outcome = {
  outcome: 'unknown',
  error: failure('timeout', 'nobody waits for it any more; it may still happen, as `status` will show').error,
}

async function askUntilDone(client: Asking, command: Command, ms: number, over: AbortSignal): Promise<Outcome> {
  const end = performance.now() + ms
  let isRepeated = false
  for (;;) {
    const outcome = await client.call(command, { deadlineMs: Math.max(1, end - performance.now()) })
    if (isRepeated && isGone(command, outcome)) return gone(outcome)
    if (over.aborted || performance.now() >= end || !isWorthAnother(outcome, isRepeated)) return outcome
    isRepeated = true
    await pause()
  }
}

/** Checks whether a removal was refused because the node is not a member. */
export const isGone = ({ command }: Command, outcome: Outcome): outcome is Refused =>
  command === 'remove_node' && outcome.outcome === 'refused' && Array.isArray(outcome.error.members)

/** Turns such a refusal into a success: the caller wants the node out, and the node is out. */
export const gone = ({ error }: Refused): Outcome => ({ outcome: 'done', answer: { ok: true, voters: error.members } })

type Refused = Exclude<Outcome, { readonly outcome: 'done' }>

/**
 * Decides whether to ask again: after a lost leader or connection, and, on a repetition, while the next leader is still
 * busy.
 */
function isWorthAnother(outcome: Outcome, isRepeated: boolean): boolean {
  if (outcome.outcome === 'done') return false
  const { code } = outcome.error
  if (outcome.outcome === 'unknown') return code === 'leadership_lost' || code === 'connection_lost'
  return isRepeated && (code === 'change_in_progress' || code === 'not_leader')
}

async function watch(
  client: Asking,
  onProgress: (events: readonly CatchingUp[]) => void,
  over: AbortSignal,
): Promise<void> {
  for (await pause(); !over.aborted; await pause()) {
    const outcome = await client.call({ command: 'info' }, { deadlineMs: 1_000 })
    if (outcome.outcome !== 'done' || over.aborted) continue
    const events = catchUps(outcome.answer.info as Status)
    if (events.length > 0) onProgress(events)
  }
}

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, pauseMs))

/** The event that tells the progress of one newcomer. */
export type CatchingUp = Extract<Event, { event: 'catching_up' }>

/**
 * Makes an event of progress for each newcomer of a leader's change. A newcomer that has not been heard yet is in round
 * 0.
 */
export function catchUps({ change }: Status): CatchingUp[] {
  const { silent = [], catchUp = [] } = change ?? ({} as Partial<ChangeStatus>)
  const asked = silent.map((node): CatchingUp => ({ event: 'catching_up', node, round: 0 }))
  const behind = catchUp.map(({ id: node, round, matchIndex, target, snapshot }): CatchingUp => {
    const far = snapshot
      ? { done: snapshot.held, total: snapshot.bytes, of: 'bytes' }
      : { done: matchIndex, total: target, of: 'entries' }
    return { event: 'catching_up', node, round, ...far }
  })
  return [...asked, ...behind]
}

/** Reports a newcomer's progress once a round, and once when a snapshot is sent to it. */
export function oncePerRound(say: (event: Event) => void): (events: readonly CatchingUp[]) => void {
  const said = new Set<string>()
  return (events) => {
    for (const event of events) {
      const key = JSON.stringify([event.node, event.round, event.of])
      if (!said.has(key)) say(event)
      said.add(key)
    }
  }
}
