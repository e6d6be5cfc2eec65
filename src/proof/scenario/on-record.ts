import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Fingerprint } from '../simulation/fingerprint.js'
import type { Played, Scenario, Verdict } from './scenario.js'

/** The file of the record, a play a line, seen from the compiled file. `npm run on-hosts` writes it. */
const file = fileURLToPath(new URL('../../../../src/proof/scenario/on-hosts.jsonl', import.meta.url))

/** One play on hosts, as it is on record: hosts need root and minutes, so not every run can play there. */
export interface OnRecord {
  readonly scenario: string
  readonly stage: number
  readonly verdict: Verdict
  /** The {@link identityOf} of the same play in virtual time on that day. */
  readonly play: string
  /** The day of the play, such as `2026-11-27`. */
  readonly on: string
}

/** Reads the plays on hosts that are on record; none if there is no record. */
export function recordedOnHosts(): OnRecord[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as OnRecord)
}

/** Writes the record, a line a play, in the order that is given. */
export function recordOnHosts(plays: readonly OnRecord[]): void {
  writeFileSync(file, plays.map((play) => `${JSON.stringify(play)}\n`).join(''))
}

/**
 * Identifies what was played: with another script, or with rules that send another message or give another answer in it,
 * it is another play, and what is on record says nothing of it. A script that is not for virtual time has its lines
 * alone.
 */
export function identityOf({ fingerprint, scenario }: Pick<Played, 'fingerprint' | 'scenario'>): string {
  return fingerprint ?? identityOfLines(scenario)
}

function identityOfLines({ statements }: Scenario): string {
  const fingerprint = new Fingerprint()
  for (const { text } of statements) fingerprint.add(`${text}\n`)
  return fingerprint.digest()
}
