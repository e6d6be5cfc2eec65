import type { ChannelResponse, Committed } from '../../client/raft/index.js'

/** The responses that a program has had. */
export interface Tally {
  accepted: number
  rejected: number
  unknown: number
  /** The commands that it was told, in the order of the log, each once. */
  readonly told: Committed<number>[]
}

/** Counts a response. @throws if a command is told that should have been told before */
export function addTo(tally: Tally, response: ChannelResponse<number>): void {
  if (response.type === 'Unknown') tally.unknown++
  if (response.type === 'Rejected') tally.rejected++
  if (response.type !== 'Accepted') return
  if (typeof response.id === 'number') tally.accepted++
  const before = tally.told.at(-1)?.index ?? 0
  tally.told.push(...response.entries.filter(({ index }) => index > before))
}

/** The numbers from 1 on: what programs that count on have put into the log together. */
export const naturals = (count: number) => Array.from({ length: count }, (_, at) => at + 1)
