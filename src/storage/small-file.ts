/** Small files of a data folder (`IDENTITY`, `cluster.json`): a power failure leaves the old content or the new one. */
import { dirname } from 'node:path'
import { createFile, type Files } from './files.js'

/** Writes a whole file: the text is written aside and synced, then the file is renamed and its folder synced. */
export async function writeWhole(files: Files, path: string, text: string): Promise<void> {
  const folder = dirname(path)
  const part = `${path}.part`
  if ((await files.list(folder)).some((name) => part.endsWith(`/${name}`))) await files.remove(part)
  const file = await createFile(files, part, Buffer.from(text))
  await file.close()
  await files.rename(part, path)
  await files.syncFolder(folder)
}

/** Says, for a person, what is wrong with a text that should be one of our JSON files. */
export function describeText(text: string): string {
  if (text.length === 0) return 'it is empty'
  if (/^\0+$/.test(text)) return 'it holds nothing but zeros'
  try {
    JSON.parse(text)
    return 'it does not hold the fields that it should'
  } catch {
    return 'it is cut off, or is no JSON'
  }
}
