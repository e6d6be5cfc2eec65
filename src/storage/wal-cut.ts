import { join } from 'node:path'
import { createFile, type Files } from './files.js'
import { segmentName, type WalScan, walFolder } from './wal-scan.js'

/** The result of cutting a log: the bytes taken off its end, and the files that hold their copies. */
export interface Cut {
  readonly file: string
  readonly bytes: number
  readonly copies: readonly string[]
}

/**
 * Cuts off everything behind a log's good end. First it is copied beside the log (`….ndjson.cut-1`), and only when the
 * copies are durable is anything removed.
 */
export async function cutWal(files: Files, folder: string, { segments, good }: WalScan): Promise<Cut> {
  const wal = join(folder, walFolder)
  const names = new Set(await files.list(wal))
  const file = join(wal, segmentName(good.segment))
  const bytes = await files.read(file)
  const cut = bytes.subarray(good.length)
  const copies: string[] = []
  let total = cut.length
  if (cut.length > 0) {
    const copy = join(wal, freeName(names, segmentName(good.segment)))
    await (await createFile(files, copy, cut)).close()
    copies.push(copy)
  }
  for (const segment of segments.filter((number) => number > good.segment).reverse()) {
    const path = join(wal, segmentName(segment))
    const { length } = await files.read(path)
    total += length
    if (length === 0) {
      await files.remove(path)
      continue
    }
    const copy = join(wal, freeName(names, segmentName(segment)))
    await files.rename(path, copy)
    copies.push(copy)
  }
  await files.syncFolder(wal)
  const rest = await files.open(file, 'existing')
  try {
    await rest.truncate(good.length)
    await rest.sync()
  } finally {
    await rest.close()
  }
  return { file, bytes: total, copies }
}

function freeName(names: ReadonlySet<string>, name: string): string {
  for (let number = 1; ; number++) {
    const candidate = `${name}.cut-${number}`
    if (!names.has(candidate)) return candidate
  }
}
