import type { EventDetails } from '../../src/contracts.js'
import type { LogEnd } from '../backup/events.js'
import { colour } from './colour.js'

type Sentences = { readonly [Name in keyof EventDetails]: (details: EventDetails[Name]) => string }
type Own =
  | 'bytes_done'
  | 'backed_up'
  | 'verified'
  | 'restored'
  | 'restored_into'
  | 'log_end'
  | 'best_survivor'
  | 'would_recover'
  | 'recovered'

const works = { backup: 'copied', verify: 'verified', restore: 'restored' } as const

/** Writes a number of bytes for a person. */
function sizeOf(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB']
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return step === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** step).toFixed(1)} ${units[step]}`
}

/** Describes the moment in a backup, and what of it can be compared. */
function describeMoment({ file, cluster, index, engine, entries, bytes, sha256 }: EventDetails['verified']): string {
  return `${file} has ${cluster} as it was at ${engine ? 'revision' : 'entry'} ${index}: ${entries} ${entries === 1 ? 'line' : 'lines'}, ${sizeOf(bytes)}, sha256 ${sha256}`
}

/** The sentences of backups, and of clusters that begin anew. */
export const backupSentences: Pick<Sentences, Own> = {
  bytes_done: ({ work, bytes, total, perSecond }) =>
    `${works[work]} ${sizeOf(bytes)} of about ${sizeOf(total)}, ${sizeOf(perSecond)} a second`,
  backed_up: ({ from, unknown, ...moment }) =>
    `${colour.green('done:')} ${describeMoment({ ...moment, written: '' })}, from ${from}${describeUnknown(unknown)}`,
  verified: (moment) => `${colour.green('✔ whole:')} ${describeMoment(moment)}, begun ${moment.written}`,
  restored: ({ file, folders, origin, entries }) =>
    `${colour.green('done:')} ${folders.join(', ')} ${folders.length === 1 ? 'begins' : 'begin'} a new cluster (origin ${origin}) with the ${entries} lines of ${file}; it does not run yet`,
  restored_into: ({ file, engine, entries, found, sha256 }) =>
    `${colour.green('done:')} ${engine} holds what ${file} holds, and no more: ${entries} ${entries === 1 ? 'entry' : 'entries'}${found > 0 ? `, ${found} of them there before` : ''}, read back at one moment, counted and compared, sha256 ${sha256}`,
  log_end: describeEnd,
  best_survivor: ({ folder }) => `has the most: recover --data-dir ${folder}`,
  would_recover: (end) =>
    `would begin a new cluster, alone, with all that it has. ${describeEnd(end)}\n${describeLoss(end)}\nNothing was changed. To do it: --i-accept-data-loss`,
  recovered: (end) =>
    `${colour.green('done:')} begins a new cluster, alone (origin ${end.newOrigin}), with all that it had. ${describeEnd(end)}\n${describeLoss(end)}\nStart it at ${end.client} and ${end.peer}. Each other node is taken in by add_node, with an empty folder: none of the old cluster is heard any more`,
}

function describeUnknown(unknown: number): string {
  return unknown === 0
    ? ''
    : `; ${unknown} behind it in that log, not known to be committed, ${unknown === 1 ? 'is' : 'are'} not in it`
}

function describeEnd({ folder, index, term, commit, voters, sound }: LogEnd): string {
  const known = commit > 0 ? `known to be committed up to ${commit}` : 'not known how far committed'
  const whose = voters.length > 0 ? `voters ${voters.join(', ')}` : 'no member of a cluster'
  return `${folder}: last entry ${index} of term ${term}, ${known}; ${whose}${sound ? '' : colour.red('; DAMAGED')}`
}

/** Describes the possible loss of a recovery from this log. */
function describeLoss({ index, term, commit }: LogEnd): string {
  const which = index === commit + 1 ? `Entry ${index} is` : `Entries ${commit + 1} to ${index} are`
  const open =
    index > commit
      ? `${which} not known to be committed, and ${index === commit + 1 ? 'counts' : 'count'} from now on. `
      : ''
  return `${open}What the others have committed behind entry ${index} of term ${term} is lost, and all sessions end`
}
