import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A place in compiled code, as an error's stack names it. */
const place = /(file:\/\/\S+?\.js):(\d+):(\d+)/g

/**
 * Replaces the places in an error's stack by those in the sources. The flag `--enable-source-maps` would do it, too: but
 * with the flag, a node reads the map of every module when it starts, a good tenth of what a start costs.
 */
export function inSources(stack: string): string {
  return stack.replace(place, (compiled, url: string, line: string, column: string) => {
    try {
      const map = new SourceMap(JSON.parse(readFileSync(new URL(`${url}.map`), 'utf8')))
      const found = map.findEntry(Number(line) - 1, Number(column) - 1)
      if (!('originalSource' in found)) return compiled
      const source = fileURLToPath(new URL(found.originalSource, url))
      return `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`
    } catch {
      // There is no map, as in a package that somebody else compiled.
      return compiled
    }
  })
}
