/**
 * The repair of a damaged log, which is cut at its first damage. Only a person may ask for it; a node never does it by
 * itself.
 */
import { join } from 'node:path'
import type { Index } from '../contracts.js'
import { explained, type Files, realFiles } from './files.js'
import { FolderError, type Identity, identityFile, writeIdentity } from './identity.js'
import { identityInDatabase } from './level-log.js'
import { lockFolder } from './lock.js'
import { kindByContents } from './log-kind.js'
import { usable } from './snapshot-choice.js'
import { type Cut, cutWal } from './wal-cut.js'
import { inDatabase, lookAtSnapshots, whose } from './wal-look.js'
import { scanWal, type WalScan } from './wal-scan.js'

/** Entries and votes that can still be read in the part that was cut off. */
interface Lost {
  readonly entries: number
  readonly first: Index
  readonly last: Index
  /** Records of a term with its vote. */
  readonly votes: number
  /** The highest index that a hint says is committed; 0 if there is no hint. */
  readonly commit: Index
}

export interface Repair {
  readonly scan: WalScan
  /** The cut; null if there was nothing to cut, or if nothing would have been left. */
  readonly cut: (Cut & { readonly lost: Lost }) | null
  /** True if a node can start on the rest: if the log does not begin at its beginning, that takes a sound snapshot. */
  readonly hasStart: boolean
  /** True if `IDENTITY` was missing or unreadable, and has been written again from the first segment's header. */
  readonly identified: boolean
}

/** @throws ConfigError while a node runs on the folder @throws DiskError */
export async function repairWal(folder: string): Promise<Repair> {
  const files = explained(realFiles)
  const unlock = await lockFolder(files, folder)
  try {
    const { identity, nameless } = await whose(files, folder)
    const kind = nameless === null ? identity.log : await kindByContents(files, folder)
    if (kind === 'level') throw new FolderError(await repairLevel(files, folder, nameless !== null, identity))
    const scan = await scanWal(files, folder, identity, () => {})
    const identified = nameless !== null && scan.good.segment > 0
    if (identified) await writeIdentityAgain(files, folder, identity)
    const { first, snapshots } = scan.state
    const sound = usable(await lookAtSnapshots(files, folder, snapshots), first)
    const hasStart = scan.good.segment > 0 && (first === 1 || sound.length > 0)
    if (!scan.tail || scan.good.segment === 0) return { scan, cut: null, hasStart, identified }
    const cut = await cutWal(files, folder, scan)
    return { scan, cut: { ...cut, lost: await lostIn(files, cut) }, hasStart, identified }
  } finally {
    await unlock()
  }
}

/** Writes `IDENTITY` again. A file that cannot be read is kept beside it. */
async function writeIdentityAgain(files: Files, folder: string, identity: Identity): Promise<void> {
  const path = join(folder, identityFile)
  if ((await files.list(folder)).includes(identityFile)) await files.rename(path, `${path}.damaged`)
  await writeIdentity(files, folder, identity)
}

/** Repairs a log in a database: only its `IDENTITY` can be written again. @returns the message about it */
async function repairLevel(files: Files, folder: string, isNameless: boolean, identity: Identity): Promise<string> {
  const kept = isNameless ? await identityInDatabase(folder) : null
  if (!kept) return inDatabase(folder, identity)
  await writeIdentityAgain(files, folder, kept)
  return `IDENTITY has been written again, as the database has it; ${inDatabase(folder, kept)}`
}

async function lostIn(files: Files, { copies }: Cut): Promise<Lost> {
  const indexes = new Set<Index>()
  let [votes, commit] = [0, 0]
  for (const path of copies) {
    const text = (await files.read(path)).toString('latin1')
    for (const [, index] of text.matchAll(/^[0-9a-f]{8} \{"index":(\d+),/gm)) indexes.add(Number(index))
    votes += text.match(/^[0-9a-f]{8} \{"term":/gm)?.length ?? 0
    for (const [, index] of text.matchAll(/^[0-9a-f]{8} \{"end":\d+,"last":\d+,"commit":(\d+)\}$/gm))
      commit = Math.max(commit, Number(index))
  }
  const sorted = [...indexes].sort((a, b) => a - b)
  return { entries: sorted.length, first: sorted[0] ?? 0, last: sorted.at(-1) ?? 0, votes, commit }
}
