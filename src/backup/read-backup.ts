import { ConfigError } from '../errors.js'
import { explained, type Files, type OpenFile, realFiles } from '../storage/files.js'
import { newHash, pieces, wholeLines } from '../storage/snapshot-file.js'
import { newline } from '../storage/wal-line.js'
import { type BackupFooter, type BackupHeader, damagedBackup, lineCheckOf, parseFooter, parseHeader } from './format.js'

/** Bytes of the longest first line, which names the members, and of the longest last line. */
const longest = { header: 256 * 1024, footer: 1024 } as const

/** A backup that is being read. */
interface OpenBackup {
  readonly header: BackupHeader
  /** The last line; null if the file does not end with one. */
  readonly footer: BackupFooter | null
  /**
   * Yields the lines between the first and the last, many at a time, each checked.
   *
   * @throws DamagedLogError at the line that is wrong; behind the last line, if all together are not what was written
   */
  lines(onProgress?: (bytes: number) => void): AsyncGenerator<string>
  /** Bytes of the whole file. */
  readonly bytes: number
  close(): Promise<void>
}

/** The facts of a backup that was read to its end. */
export interface Verified extends BackupFooter {
  readonly header: BackupHeader
}

/** Opens a backup. @throws ConfigError if there is no such file; DamagedLogError if its first line is wrong; DiskError */
async function openBackup(path: string, real: Files = realFiles): Promise<OpenBackup> {
  const files = explained(real)
  if ((await files.look(path)) === null) throw new ConfigError(`there is no file ${path}`)
  const file = await files.open(path, 'reading')
  try {
    const size = await file.size()
    const head = await file.read(0, Math.min(size, longest.header))
    const headEnd = head.indexOf(newline) + 1
    const header = parseHeader(path, head.toString('utf8', 0, headEnd))
    const { footer, end } = await footerOf(file, size, headEnd)
    const lines = (onProgress = noProgress) => linesOf({ file, path, header, footer, headEnd, end }, onProgress)
    return { header, footer, bytes: size, lines, close: () => file.close() }
  } catch (error) {
    await file.close()
    throw error
  }
}

const noProgress = (_bytes: number) => {}

/** Reads a whole backup. @throws DamagedLogError that names the first line that is wrong; DiskError */
export async function verifyBackup(
  path: string,
  onProgress?: (bytes: number) => void,
  files?: Files,
): Promise<Verified> {
  const { header, footer, lines, close } = await openBackup(path, files)
  try {
    for await (const _ of lines(onProgress));
    return { header, ...footer! }
  } finally {
    await close()
  }
}

/** Yields the lines of a backup between the first and the last, as {@link OpenBackup.lines} does. */
export async function* backupLines(path: string, onProgress?: (bytes: number) => void): AsyncGenerator<string> {
  const { lines, close } = await openBackup(path)
  try {
    yield* lines(onProgress)
  } finally {
    await close()
  }
}

/** Finds the last line of a file. `end` is where it begins: the end of the file if there is none. */
async function footerOf(file: OpenFile, size: number, headEnd: number) {
  const from = Math.max(headEnd, size - longest.footer)
  const tail = await file.read(from, size - from)
  const begin = tail.subarray(0, -1).lastIndexOf(newline) + 1
  const footer = tail.at(-1) === newline ? parseFooter(tail.toString('utf8', begin)) : null
  return { footer, end: footer ? from + begin : size }
}

interface Parts extends Pick<OpenBackup, 'header' | 'footer'> {
  readonly file: OpenFile
  readonly path: string
  /** The bytes at which the first line ends, and at which the last one begins. */
  readonly headEnd: number
  readonly end: number
}

async function* linesOf(parts: Parts, onProgress: (bytes: number) => void): AsyncGenerator<string> {
  const { file, path, header, footer, headEnd, end } = parts
  const check = lineCheckOf(header.application)
  const sum = newHash()
  let [line, bytes] = [1, 0]
  const noEnd = () => damagedBackup(path, line + 1, 'it has no end: the file was cut off')
  for await (const piece of wholeLines(pieces(file, end, sum), noEnd)) {
    const text = piece.toString('utf8', bytes === 0 ? headEnd : 0)
    bytes += piece.length
    for (const one of text.split('\n').slice(0, -1)) {
      line++
      const wrong = check(one)
      if (wrong !== null) throw damagedBackup(path, line, wrong)
    }
    onProgress(bytes)
    if (text !== '') yield text
  }
  const cutOff = 'the last line, with the count and the hash of all before it, is not there: the file was cut off'
  if (!footer) throw damagedBackup(path, line, cutOff)
  if (footer.entries !== line - 1)
    throw damagedBackup(path, line + 1, `it counts ${footer.entries} lines, and there are ${line - 1}`)
  if (footer.bytes !== bytes || footer.sha256 !== sum.digest('hex'))
    throw damagedBackup(path, line + 1, 'its hash is not that of the lines before it: one of them was changed')
}
