/** The state of a running cluster at one moment, copied from one of its nodes piece by piece. */
import { setTimeout as wait } from 'node:timers/promises'
import { backupFormat, type Moment } from '../../src/backup/format.js'
import { sectionsOf } from '../../src/snapshot-sections.js'
import { DamagedLogError } from '../../src/storage/errors.js'
import type { OpenFile } from '../../src/storage/files.js'
import { bodyOf } from '../../src/storage/snapshot-file.js'
import type { Client } from '../client.js'
import type { KeptMoment, KeyValueCommands } from '../commands-of.js'
import { version } from '../version.js'
import { applicationOf } from './cluster-name.js'
import { BackupRefused } from './refused.js'

/** Settings of a copy. */
export interface CopySettings {
  /** True for what the asked node has; otherwise every write that has been answered is in it. */
  readonly isStale: boolean
  readonly signal?: AbortSignal
  /** Milliseconds for which a node that answers no more is asked for a piece again and again; 30 s if left out. */
  readonly patienceMs?: number
}

type Asking = Client<KeyValueCommands>

/** Milliseconds that a node may take to write its state down. */
const keepMs = 600_000
const pieceMs = 10_000
const usualPatienceMs = 30_000
const pauseMs = 200

/**
 * Has a node keep its state of this moment, and gives it as a {@link Moment}. The nodes are asked in turn, until one does
 * so; all pieces are that node's.
 *
 * @throws BackupRefused if none does
 */
export async function clusterMoment(
  client: Asking,
  addresses: readonly string[],
  settings: CopySettings,
): Promise<Moment & { readonly at: string }> {
  const began = new Date().toISOString()
  const { at, kept, cluster } = await keptSomewhere(client, addresses, settings)
  const application = applicationOf(cluster)
  const { index, term, origin, members, bytes, sha256, format } = kept
  const file = remoteFile(client, at, kept, settings)
  const header = { backup: backupFormat, application, cluster, origin, index, term, at: began, version, members }
  return { at, header, lines: linesOf(), bytes }

  async function* linesOf(): AsyncGenerator<string> {
    const body = bodyOf(file, { index, term, bytes, sha256 }, `the snapshot of ${at}`)
    try {
      yield* (await sectionsOf(body, application, format)).application
    } catch (error) {
      const isOurs = error instanceof BackupRefused || settings.signal?.aborted
      throw isOurs ? error : spoilt(at, error as Error)
    }
  }
}

/** An error for a snapshot that came otherwise than the node had announced it. */
function spoilt(at: string, { message }: Error): DamagedLogError {
  return new DamagedLogError(`the state that ${at} sent`, message, 'ask another node', 'no backup was written')
}

async function keptSomewhere(client: Asking, addresses: readonly string[], { isStale, signal }: CopySettings) {
  const command = { command: 'backup', ...(isStale && { consistency: 'stale' as const }) } as const
  let refusal: { code: string; message: string } | undefined
  for (const at of addresses) {
    signal?.throwIfAborted()
    const info = await client.call({ command: 'info' }, { at, signal })
    const outcome = info.outcome === 'done' ? await client.call(command, { at, signal, deadlineMs: keepMs }) : info
    if (info.outcome === 'done' && outcome.outcome === 'done') {
      const { cluster } = info.answer.info as { cluster: string }
      return { at, cluster, kept: outcome.answer as unknown as KeptMoment }
    }
    signal?.throwIfAborted()
    // Of several refusals, that of a node which answers says more than that nothing was heard of another.
    const { error } = outcome as { error: { code: string; message: string } }
    const isSilence = ['unreachable', 'timeout', 'connection_lost'].includes(error.code)
    if (!refusal || !isSilence) refusal = { code: error.code, message: `${at}: ${toldOf(error)}` }
  }
  throw new BackupRefused(refusal!)
}

function toldOf({ code, message }: { code: string; message: string }): string {
  return code === 'unknown_command' ? 'nodes of this stage keep no state to be copied; stage 10 does' : message
}

/** The snapshot's file at the node, as a file that can be read from here. The next piece is asked for in advance. */
function remoteFile(client: Asking, at: string, kept: KeptMoment, settings: CopySettings): OpenFile {
  const { index, term, bytes } = kept
  let next: { readonly offset: number; readonly piece: Promise<Buffer> } | null = null
  const ask = (offset: number, length: number) => {
    const piece = askForPiece(client, at, { command: 'backup_piece', index, term, offset, length }, settings)
    // Nobody may be there to hear of a piece that failed.
    piece.catch(() => {})
    return piece
  }
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const piece = await (next?.offset === offset ? next.piece : ask(offset, length))
    const behind = offset + piece.length
    next = behind < bytes ? { offset: behind, piece: ask(behind, length) } : null
    return piece.length > length ? piece.subarray(0, length) : piece
  }
  const never = () => Promise.reject(new Error('a snapshot of another node is only read'))
  return { size: async () => bytes, read, write: never, truncate: never, sync: never, close: async () => {} }
}

interface PieceCommand {
  readonly command: 'backup_piece'
  readonly index: number
  readonly term: number
  readonly offset: number
  readonly length: number
}

/** Asks for a piece, again while the node cannot be reached: it may start again, and has its snapshots then. */
async function askForPiece(
  client: Asking,
  at: string,
  command: PieceCommand,
  { signal, patienceMs = usualPatienceMs }: CopySettings,
): Promise<Buffer> {
  const end = performance.now() + patienceMs
  for (;;) {
    signal?.throwIfAborted()
    const outcome = await client.call(command, { at, deadlineMs: Math.min(pieceMs, patienceMs), signal })
    if (outcome.outcome === 'done') return Buffer.from(outcome.answer.data, 'base64')
    signal?.throwIfAborted()
    const { code, message } = outcome.error
    const mayPass = ['unreachable', 'timeout', 'connection_lost', 'overloaded', 'shutting_down'].includes(code)
    if (!mayPass || performance.now() > end) throw new BackupRefused({ code, message: `${at}: ${message}` })
    await wait(pauseMs)
  }
}
