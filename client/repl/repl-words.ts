import type { CommandShape } from '../../src/contracts.js'
import { faultWords, isFaultWord } from '../../src/server/faults.js'
import { hostWords, isHostWord } from '../../src/server/hosts/host-words.js'
import { memberWords } from '../cluster/membership.js'
import { colour } from '../text/colour.js'
import { usage, usageBeside } from '../text/words.js'
import { defaultColumns, wrapped } from '../text/wrapped.js'
import { isTimeWord, timeWords } from './time-words.js'

/** Abilities of a REPL besides asking; an ability that is missing hides its words. */
export interface Abilities {
  readonly shapes: Readonly<Record<string, CommandShape>>
  /** A cluster that was started here; on hosts, where each node has one of its own. */
  readonly cluster?: { readonly hosts: unknown }
  readonly folders?: unknown
  readonly membership?: unknown
}

/** The word that shows the logs on disk. */
const logWord = {
  'log [n3] [20]': 'the logs on disk beside each other, or one of them; its last 10 entries or so many',
}

const leaderWord = '  `leader` and `follower` stand for one that is so now: kill leader'

/** Words of the REPL itself, neither commands nor faults. */
const ownWords = {
  'check [FILE]': 'judge what was typed here, or a file: do all answers fit a single copy of the store?',
  'save FILE': 'write down what was asked and answered, for `npx raft-roadmap check FILE`; `save!` over an old file',
  status: 'what every node says of itself, in one table',
  help: 'this list; `help cas` tells of one word',
  exit: 'leave (Ctrl-D does the same)',
}

/** Words of other systems, each with the REPL's own word for it. */
const elsewhere: Readonly<Record<string, string>> = {
  ...{ put: 'set', write: 'set', store: 'set', read: 'get', del: 'delete', rm: 'delete', unset: 'delete' },
  ...{ keys: 'scan', ls: 'scan', dir: 'scan', incr: 'append', compareandset: 'cas', members: 'status' },
  ...{ start: 'restart', term: 'stop', crash: 'kill', freeze: 'pause', cont: 'resume', partition: 'split' },
  ...{ isolate: 'split', bye: 'exit', man: 'help', add_node: 'add', remove_node: 'remove' },
}

/** Verbs of the command line that are not words of the REPL. */
const shellWords = ['run', 'learn', 'node', 'client', 'scenario', 'sim', 'break', 'compare', 'print', 'list']

/** Lists the words that can stand first in a line. */
export function allWords({ shapes, cluster, folders, membership }: Abilities): string[] {
  const first = (usages: object) => Object.keys(usages).map((word) => word.split(' ')[0]!)
  return [
    ...Object.keys(shapes),
    ...first({
      ...(membership ? memberWords : {}),
      ...faultsOf(cluster),
      ...(folders ? logWord : {}),
    }),
    ...first(ownWords),
  ]
}

/** Collects the words that break a cluster, with their usage. */
function faultsOf(cluster: Abilities['cluster']): Readonly<Record<string, { usage: string; help: string }>> {
  if (!cluster) return {}
  return { ...faultWords, ...timeWords, ...(cluster.hosts ? hostWords : {}) }
}

/** Finds the word that the first word of a line means: capitals, `?` and `quit` are understood. */
export function meant(word: string, abilities: Abilities): string {
  if (word === '?') return 'help'
  const small = word.toLowerCase()
  if (small === 'quit' || small === 'q' || small === ':q') return 'exit'
  if (word === small || allWords(abilities).includes(word)) return word
  return isKnown(small, abilities) ? small : word
}

export function isKnown(word: string, abilities: Abilities): boolean {
  return (
    [...allWords(abilities), 'log', 'save!'].includes(word) ||
    isFaultWord(word) ||
    isHostWord(word) ||
    isTimeWord(word) ||
    word.startsWith('{')
  )
}

/** Describes an unknown word: the word that it may have been meant for, and the words that exist. */
export function describeUnknown(word: string, abilities: Abilities): string {
  const { shapes } = abilities
  const others = allWords(abilities).filter((one) => !Object.hasOwn(shapes, one))
  const shell = shellWords.includes(word) ? `; it is one of the shell's: npx raft-roadmap ${word}` : ''
  const guess = nearest(word.toLowerCase(), allWords(abilities))
  const hint = shell || (guess ? `; did you mean \`${guess}\`?` : '')
  const all = `there are ${Object.keys(shapes).join(' ')}; and here ${others.join(' ')}`
  return `no command ${JSON.stringify(word.slice(0, 40))}${hint}${hint.endsWith('?') ? ' T' : '; t'}${all.slice(1)}`
}

function nearest(word: string, words: readonly string[]): string | undefined {
  const known = Object.hasOwn(elsewhere, word) ? elsewhere[word] : undefined
  if (known && words.includes(known)) return known
  const far = (one: string) => distance(word, one)
  const [best] = [...words].sort((one, other) => far(one) - far(other))
  return best !== undefined && far(best) <= Math.max(1, Math.floor(word.length / 3)) ? best : undefined
}

/**
 * Counts the letters to change, leave out, put in or swap with the next, at least, to get from one word to the other.
 */
function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 3) return 99
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= one.length; i++) {
    const row = [i]
    for (let j = 1; j <= other.length; j++) {
      const changed = rows[i - 1]![j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1)
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      const swapped = isSwapped ? rows[i - 2]![j - 2]! + 1 : 99
      row.push(Math.min(changed, swapped, rows[i - 1]![j]! + 1, row[j - 1]! + 1))
    }
    rows.push(row)
  }
  return rows[one.length]![other.length]!
}

/** Describes all words, or one of them. */
export function describeWords(word: string | undefined, abilities: Abilities): string {
  const { shapes, cluster, folders, membership } = abilities
  const rows = (entries: [string, string][]) =>
    entries.map(([left, right]) => wrapped(`  ${left.padEnd(29)} ${colour.dim(right)}`, defaultColumns, ' '.repeat(32)))
  const commands = Object.entries(shapes).map(([name, shape]): [string, string] => [usage(name, shape), shape.help])
  const members = Object.values(memberWords).map(({ usage, help }): [string, string] => [usage, help])
  const faults = Object.values(faultsOf(cluster)).map(({ usage, help }): [string, string] => [usage, help])
  const own = Object.entries({ ...(folders ? logWord : {}), ...ownWords })
  if (word) {
    const found = [...commands, ...members, ...faults, ...own].filter(([left]) => left.split(' ')[0] === word)
    const beside = Object.hasOwn(shapes, word) ? besideOf(shapes[word]!) : []
    return found.length > 0
      ? [...rows(found), ...beside].join('\n')
      : colour.red(`no word ${JSON.stringify(word)}; \`help\` lists all`)
  }
  const sections = [
    colour.bold('commands'),
    ...rows(commands),
    colour.dim('  a word in double quotes is a JSON string; `@n3` at the end asks that node and no other'),
    ...besideOfAll(shapes),
    ...(membership ? [colour.bold('members'), ...rows(members)] : []),
    ...(cluster ? [colour.bold('faults'), ...rows(faults), colour.dim(leaderWord)] : []),
    colour.bold('here'),
    ...rows(own),
  ]
  return sections.join('\n')
}

/** Describes the fields that may stand beside one command. */
function besideOf(shape: CommandShape): string[] {
  const fields = usageBeside(shape)
  return fields === '' ? [] : [colour.dim(`  at its end, beside it: ${fields}`)]
}

/** Describes the fields that may stand beside writes, and beside reads. */
function besideOfAll(shapes: Abilities['shapes']): string[] {
  const kinds = [
    ['write', Object.values(shapes).find(({ readOnly, envelope }) => !readOnly && envelope)],
    ['read', Object.values(shapes).find(({ readOnly, envelope }) => readOnly && envelope)],
  ] as const
  return kinds.flatMap(([kind, shape]) =>
    shape ? [colour.dim(`  at the end of a ${kind}: ${usageBeside(shape)}`)] : [],
  )
}
