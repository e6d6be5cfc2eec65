import { type ChangeStatus, type Command, type Event, failure, type Outcome, type Status } from '../../src/contracts.js'
import type { Client } from '../client.js'

declare module '../../src/events.js' {
  interface EventDetails {
    /** Round 0 asks which disk it has. */
    catching_up: { round: number; done?: number; total?: number; of?: string }
  }
}

const words = ['add_node', 'remove_node', 'reconfigure']

/** Whether a command changes who the members are. It is answered when that is done, which may be long after. */
export const isChange = ({ command }: Command) => words.includes(command)

/** A newcomer may have to read a large snapshot first. */
const changeDeadlineMs = 600_000

/** How long to wait before asking again, and between two questions how far it is. */
const pauseMs = 200

export interface ChangeSettings {
  readonly deadlineMs?: number | undefined
  /** Hears how far the newcomers are, again and again: an event `catching_up` for each. */
  readonly onProgress?: (events: readonly CatchingUp[]) => void
  /** Ends the waiting; what was asked for may happen all the same. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks for a change of members, and waits until it is done. If the leader is deposed meanwhile, the next one is asked
 * for the same: it goes on with what it finds in its log, and does nothing twice.
 */
export async function changeMembers(client: Client, command: Command, settings: ChangeSettings = {}): Promise<Outcome> {
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

async function askUntilDone(client: Client, command: Command, ms: number, over: AbortSignal): Promise<Outcome> {
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

/** Whether the removal of a node was refused because it is no member. */
export const isGone = ({ command }: Command, outcome: Outcome): outcome is Refused =>
  command === 'remove_node' && outcome.outcome === 'refused' && Array.isArray(outcome.error.members)

/** The refusal as what it is to a caller who wants the node out: done, asked again or by a change that left it out. */
export const gone = ({ error }: Refused): Outcome => ({ outcome: 'done', answer: { ok: true, voters: error.members } })

type Refused = Exclude<Outcome, { readonly outcome: 'done' }>

/** What a deposed leader left open; and, when it was asked for before, what its successor is still busy with. */
function isWorthAnother(outcome: Outcome, isRepeated: boolean): boolean {
  if (outcome.outcome === 'done') return false
  const { code } = outcome.error
  if (outcome.outcome === 'unknown') return code === 'leadership_lost' || code === 'connection_lost'
  return isRepeated && (code === 'change_in_progress' || code === 'not_leader')
}

async function watch(
  client: Client,
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

/** How far a newcomer is. */
export type CatchingUp = Extract<Event, { event: 'catching_up' }>

/** Of a leader that is taking nodes in: how far each of them is, round 0 as long as it has not been heard. */
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

/** Says what is new in kind only: a newcomer's next round, or that it is sent a snapshot. */
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
