/**
 * Backups of etcd, and backups into it. Codes of refusals besides etcd's own: `not_text`, `too_large`, `not_empty`,
 * `changed` (somebody else writes), `unreachable`, `compacted`.
 */
import { backupFormat, type Moment } from '../../src/backup/format.js'
import { backupLines, type Verified } from '../../src/backup/read-backup.js'
import type { Event } from '../../src/contracts.js'
import { limits } from '../../src/requests.js'
import { quoted } from '../../src/text.js'
import type { EtcdAccess } from '../engine/etcd/access.js'
import { momentOf, type Pair, writeAll } from '../engine/etcd/transfer.js'
import { version } from '../version.js'
import { BackupRefused } from './refused.js'
import { checkApplication } from './restore.js'

/** Characters of lines that are handed on at once. */
const sliceLength = 64 * 1024

/**
 * Gives the keys and values of a running etcd, of one revision, as a {@link Moment}. Leases, and revisions before, are not in it.
 *
 * @throws BackupRefused if no node answers; while the lines are read, also if an entry is none that our nodes could hold
 */
export async function etcdMoment(addresses: readonly string[], access: EtcdAccess): Promise<Moment> {
  const at = new Date().toISOString()
  const { revision, term, cluster: origin, count, entries } = await momentOf(addresses, access)
  const place = { cluster: 'etcd', origin, index: revision, term, members: [] }
  const header = { backup: backupFormat, application: 'key-value', engine: 'etcd', ...place, at, version }
  return { header, lines: linesOf(entries, count), bytes: 0 }
}

async function* linesOf(entries: AsyncIterable<Pair>, count: number): AsyncGenerator<string> {
  let [slice, seen] = ['', 0]
  for await (const pair of entries) {
    checkSize(pair)
    seen++
    slice += `${JSON.stringify(pair)}\n`
    if (slice.length < sliceLength) continue
    yield slice
    slice = ''
  }
  if (seen !== count)
    throw new BackupRefused({
      code: 'changed',
      message: `etcd counted ${count} keys at this revision, and gave ${seen}`,
    })
  if (slice !== '') yield slice
}

/** @throws BackupRefused for an entry that a client of our nodes could neither write nor read */
function checkSize([key, value]: Pair): void {
  const { keyBytes, valueBytes } = limits
  if (Buffer.byteLength(key) > keyBytes) throw tooLarge(`the key ${quoted(key)}`, keyBytes)
  if (Buffer.byteLength(value) > valueBytes) throw tooLarge(`the value of the key ${quoted(key)}`, valueBytes)
}

const tooLarge = (what: string, bytes: number) =>
  new BackupRefused({
    code: 'too_large',
    message: `${what} in etcd is longer than the ${bytes} bytes that nodes here take`,
  })

/**
 * Puts a backup into a running etcd, which may hold the beginning of it already: that of a restore which was cut off.
 *
 * @param to the addresses of nodes of etcd, `host:port`, and how they are asked
 * @param onProgress hears the bytes of the file that were read so far
 * @throws ConfigError if it is of another application; BackupRefused if etcd holds anything else, refuses, or does not answer
 */
export async function restoreIntoEtcd(
  file: string,
  { header }: Verified,
  to: { readonly addresses: readonly string[]; readonly access: EtcdAccess },
  onProgress: (bytes: number) => void,
): Promise<Extract<Event, { event: 'restored_into' }>> {
  checkApplication({ application: 'key-value' }, header)
  const { addresses, access } = to
  const pairs = pairsIn(backupLines(file, onProgress))
  const { count: entries, sha256, found } = await writeAll(addresses, pairs, { access })
  return { event: 'restored_into', file, engine: 'etcd', addresses, entries, found, sha256 }
}

async function* pairsIn(pieces: AsyncIterable<string>): AsyncGenerator<Pair> {
  for await (const piece of pieces) for (const line of piece.split('\n').slice(0, -1)) yield JSON.parse(line) as Pair
}
