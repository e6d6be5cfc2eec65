/** A place in the answer to a scan: which moment of the store, which keys, and the last key that was returned. */
export interface Place {
  readonly moment: string
  readonly prefix: string
  readonly after: string
}

/** The form of a page token: the moment, the length of the prefix, and the last key, which begins with the prefix. */
const form = /^([\da-z.]{1,32})-(\d{1,4})-(.+)$/s

/** UTF-16 units of a page token besides the key in it, at most. */
export const tokenUnits = 32 + 1 + 4 + 1

/** Writes a place as a page token, such as `1k9x0w.3-2-a:7`: behind `a:7` of the prefix `a:`, at the moment `1k9x0w.3`. */
export function pageAt({ moment, prefix, after }: Place): string {
  return `${moment}-${prefix.length}-${after}`
}

/** Reads a page token. @returns null if no scan has written it */
export function placeOf(page: string): Place | null {
  const [, moment, length, after] = form.exec(page) ?? []
  if (moment === undefined || after === undefined || Number(length) > after.length) return null
  const prefix = after.slice(0, Number(length))
  return prefix.isWellFormed() ? { moment, prefix, after } : null
}
