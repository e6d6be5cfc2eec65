import { ok } from 'node:assert/strict'
import type { EntryId } from '../../src/contracts.js'
import { type Answer, type Apply, type Core, type Effects, failure, type Index } from '../../src/contracts.js'
import type { Acts, Hand } from './hand.js'
import { nameOf } from './past.js'

export const noActs = (upTo: Index = 0): Acts => ({ done: [], answers: new Map(), readings: [], upTo })

/** Has the state machine do what a turn has decided, when it does not stand still. */
export function perform(hand: Hand, effects: Effects): void {
  if (hand.stalled) return void hand.stalled.push(effects)
  performAll(hand, effects)
  ok(!effects.snapshot || !hand.save, 'one snapshot is written at a time')
  if (effects.snapshot) hand.save = { header: effects.snapshot, lines: linesOf(hand.core, hand.state) }
}

/** Has the state machine stand still, or go on. */
export function standStill(hand: Hand, isStill: boolean): void {
  const waiting = hand.stalled ?? []
  hand.stalled = isStill ? [] : null
  for (const effects of waiting) perform(hand, effects)
}

/** Performs entries, and answers reads at their places among them. A `cas` always meets another value. */
function performAll(hand: Hand, { restore, apply, query }: Effects): void {
  const { core, acts } = hand
  if (restore) {
    hand.state = restored(core, hand.files.load(restore), restore)
    hand.restored.push(restore.index)
    acts.upTo = restore.index
  }
  const reads = [...query]
  for (let at = 0; at <= apply.length; at++) {
    for (; reads[0] && reads[0].behind <= at; reads.shift())
      acts.readings.push({ request: reads[0].request, behind: acts.upTo, fields: reads[0].fields ?? {} })
    const entry = apply[at]
    if (entry) performOne(core, acts, entry)
  }
  hand.applied.push(...apply)
  hand.state.push(...apply.map(nameOf))
  if (apply.length > 0) core.applied(acts.upTo)
}

function performOne(core: Core, acts: Acts, entry: Apply): void {
  const { isNew, result } = core.perform(entry)
  acts.upTo = entry.index
  if (isNew) {
    acts.done.push(entry.index)
    result.answer = answerTo(entry)
  }
  if (entry.request === null || !result.answer) return
  const { fields } = entry
  acts.answers.set(entry.request, fields && result.answer.ok ? { ...result.answer, ...fields } : result.answer)
}

/** An answer that names the entry, so that a remembered one shows. */
function answerTo({ index, payload }: Apply): Answer {
  const { command } = (payload.kind === 'command' ? payload.command : {}) as { command?: unknown }
  return command === 'cas' ? failure('cas_mismatch', `at ${index}`) : { ok: true, at: index }
}

const ofRules = 'kept '

/** The lines of a snapshot: what the rules keep, and the state. */
function linesOf(core: Core, state: readonly string[]): string[] {
  return [...core.kept().map((value) => `${ofRules}${JSON.stringify(value)}`), ...state]
}

/** Gives the rules what they kept in a snapshot. @returns the state in it */
export function restored(core: Core, lines: readonly string[], { index }: EntryId): string[] {
  const kept = lines.filter((line) => line.startsWith(ofRules))
  core.restored(kept.map((line) => JSON.parse(line.slice(ofRules.length)) as unknown))
  core.applied(index)
  return lines.slice(kept.length)
}
