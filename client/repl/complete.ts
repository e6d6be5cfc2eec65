import { readdirSync } from 'node:fs'
import { isFaultWord } from '../../src/server/faults.js'
import { isHostWord } from '../../src/server/hosts/host-words.js'
import { isMemberWord } from '../cluster/membership.js'
import { type Abilities, allWords } from './repl-words.js'

/** Completes the last word of a line when Tab is pressed, in readline's form. */
export function complete(line: string, abilities: Abilities, nodes: readonly string[]): [string[], string] {
  const words = line.trimStart().split(/\s+/)
  const last = words.at(-1)!
  const hits = candidates(words, abilities, nodes).filter((candidate) => candidate.startsWith(last))
  return [hits.map((hit) => (hit.endsWith('/') ? hit : `${hit} `)), last]
}

function candidates(words: readonly string[], abilities: Abilities, nodes: readonly string[]): string[] {
  const [first, ...rest] = words as [string, ...string[]]
  const last = words.at(-1)!
  if (words.length === 1 || first === 'help') return allWords(abilities)
  if (['save', 'save!', 'check'].includes(first)) return files(last)
  if (first === 'restart') return ['all', ...nodes]
  if (first === 'timeout') return ['follower', ...nodes]
  if (isFaultWord(first)) return first === 'heal' ? [] : ['leader', 'follower', ...nodes]
  if (first === 'resolver') return ['silent', 'back']
  if (isHostWord(first)) return ['leader', 'follower', ...nodes]
  if (isMemberWord(first) || first === 'log') return ['leader', ...nodes]
  if (['remove_node', 'reconfigure', 'promote', 'demote'].includes(first)) return [...nodes]
  if (first === 'transfer_leader' && words.length === 2) return ['follower', ...nodes]
  const shape = Object.hasOwn(abilities.shapes, first) ? abilities.shapes[first] : undefined
  const needed = shape?.takes.filter(({ optional }) => !optional).length ?? Number.POSITIVE_INFINITY
  const isComplete = rest.length > needed
  return isComplete && (last === '' || last.startsWith('@'))
    ? ['leader', 'follower', ...nodes].map((name) => `@${name}`)
    : []
}

/** Lists the files of the folder that was typed so far; folders end with a slash. */
function files(begun: string): string[] {
  const folder = begun.slice(0, begun.lastIndexOf('/') + 1)
  try {
    const entries = readdirSync(folder || '.', { withFileTypes: true })
    return entries.map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`)
  } catch {
    return []
  }
}
