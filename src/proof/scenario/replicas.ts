import { describeValue } from './expectation.js'
import type { Driver, Look } from './scenario.js'

/** Keys of a difference that are shown. */
const mostKeys = 3

/** When a cluster counts as at rest: so many looks alike in a row; and when nobody waits for that any longer. */
const rest = { everyMs: 50, alike: 6, mostLooks: 200 }

/** Lets time pass until the nodes do not change any more. @returns false if they never stop */
export async function comeToRest(cluster: Pick<Driver, 'look' | 'wait'>): Promise<boolean> {
  let before = ''
  let alike = 0
  for (let looks = 0; looks < rest.mostLooks; looks++) {
    const now = fingerprint(await cluster.look())
    alike = now === before ? alike + 1 : 0
    if (alike === rest.alike) return true
    before = now
    await cluster.wait(rest.everyMs)
  }
  return false
}

/** Everything that was looked at, as one text: equal texts, equal clusters. */
function fingerprint(looks: readonly Look[]): string {
  return JSON.stringify(looks.map(({ node, applied, contents }) => [node, applied, [...contents].sort()]))
}

/** The nodes that do not hold this value under this key, or hold one where there is to be none. */
export function lacking(looks: readonly Look[], key: string, value: string | null): string[] {
  return looks.filter(({ contents }) => (contents.get(key) ?? null) !== value).map(({ node }) => node)
}

/** Where replicas differ, in few lines: those that agree stand together. Empty when all hold the same. */
export function differences(looks: readonly Look[]): string[] {
  const keys = new Set(looks.flatMap(({ contents }) => [...contents.keys()]))
  const first = looks[0]?.contents
  const odd = [...keys].sort().filter((key) => looks.some(({ contents }) => contents.get(key) !== first?.get(key)))
  if (odd.length === 0) return []
  const kinds = new Map<string, string[]>()
  for (const { node, contents } of looks) {
    const held = odd.map((key) => `${key} ${describeValue(contents.get(key) ?? null)}`)
    const all = held.join('\n')
    kinds.set(all, [...(kinds.get(all) ?? []), node])
  }
  return [...kinds].map(([held, nodes]) => {
    const shown = held.split('\n')
    const more = shown.length > mostKeys ? `, and ${shown.length - mostKeys} keys more` : ''
    return `${nodes.join(' ')}: ${shown.slice(0, mostKeys).join(', ')}${more}`
  })
}
