/** What a lesson prints, compared with what came: only times, process numbers, checksums, names and terms may differ. */
import type { Cast } from './cast.js'

const special =
  /…|\d+(?:\.\d+)? ?m?s\b|"term":\d+|-\d+\.ndjson|"sha256":"[0-9a-f]{64}"|\bpid \d+|"pid":\d+|elected by n\d+(?:, n\d+)*|\bn\d+(?:(?:, | )n\d+)+|\bn\d+\b|127\.0\.0\.1:7[01]0[1-9]\b|\bterm \d+|\bt\d+(?= )|^[0-9a-f]{8}(?= \{)| {2,}/g

type Check = (cast: Cast, real: string) => boolean

const namesIn = (text: string) => text.match(/n\d+/g)!

/** What stands for a part of the print: a pattern, and what is asked of the text that fits it. */
function standIn(part: string): [pattern: string, check: Check] {
  const any = () => true
  // A number, or a word that may differ, and no more.
  if (part === '…') return ['\\S*', any]
  if (/^\d+(\.\d+)? ?m?s$/.test(part)) return ['\\d+(?:\\.\\d+)? ?m?s', any]
  if (/pid/.test(part)) return [part.replace(/\d+/, '\\d+'), any]
  if (part.startsWith('elected by')) {
    // Any majority may have elected it; the first of them is the leader itself.
    const all = namesIn(part)
    const first: Check = (cast, real) => cast.name(all[0]!, namesIn(real)[0]!) && namesIn(real).length === all.length
    return ['elected by n\\d+(?:, n\\d+)*', first]
  }
  if (/^n\d+$/.test(part)) return ['n\\d+', (cast, real) => cast.name(part, real)]
  if (/^n\d+./.test(part)) {
    const separator = part.includes(',') ? ', ' : ' '
    return [`n\\d+(?:${separator}n\\d+)+`, (cast, real) => cast.names(namesIn(part), namesIn(real))]
  }
  if (part.startsWith('127'))
    return ['127\\.0\\.0\\.1:\\d+', (cast, real) => cast.address(part.slice(10), real.slice(10))]
  if (part.startsWith('"sha256')) return ['"sha256":"[0-9a-f]{64}"', any]
  if (/^(term |t|"term":|-)\d+/.test(part)) {
    const number = (text: string) => Number(/\d+/.exec(text)![0])
    return [part.replace('.', '\\.').replace(/\d+/, '\\d+'), (cast, real) => cast.term(number(part), number(real))]
  }
  if (/^[0-9a-f]{8}$/.test(part)) return ['[0-9a-f]{8}', any]
  return [' {2,}', any]
}

/** Whether the text is the printed one, as played by this cast, which then knows more. */
function fitsText(printed: string, real: string, cast: Cast): boolean {
  const checks: Check[] = []
  let pattern = ''
  let at = 0
  const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  for (const found of printed.matchAll(special)) {
    const [part, check] = standIn(found[0])
    pattern += `${literal(printed.slice(at, found.index))}(${part})`
    checks.push(check)
    at = found.index + found[0].length
  }
  const match = new RegExp(`^${pattern}${literal(printed.slice(at))}$`).exec(real)
  if (!match) return false
  const trial = cast.copy()
  if (!checks.every((check, index) => check(trial, match[index + 1]!))) return false
  cast.become(trial)
  return true
}

/** A table with something to say of each node: cells by the node's name, then by what they tell. */
interface Table {
  readonly kind: 'status' | 'log'
  readonly nodes: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly heads: readonly string[]
  /** Some rows are left out. */
  readonly isPart: boolean
}

/** A line, and whether `…` below it stands for more lines like it; a table; or whatever else a terminal shows before. */
export type Item = Line | Table | 'anything'

interface Line {
  readonly text: string
  readonly more: boolean
}

/** Where each column of a table's first line begins, and its name. */
function columnsOf(head: string): { name: string; from: number; to: number | undefined }[] {
  const found = [...head.matchAll(/\S+(?: \S+)*/g)]
  return found.map((one, at) => ({ name: one[0], from: one.index, to: found[at + 1]?.index }))
}

const isStatus = (line: string) => /^node {2,}address/.test(line)
const isLog = (line: string) => /^ {3,}n\d+( +n\d+)*$/.test(line)
const isRow = (kind: Table['kind'], line: string) =>
  line === '…' || (kind === 'status' ? /^(n\d+|\?) {2,}/.test(line) : /^ *(\d+|snap|commit|now) {2,}/.test(line))

function tableOf(lines: readonly string[]): { table: Table; length: number } {
  const [head, ...rest] = lines as [string, ...string[]]
  const kind = isStatus(head) ? 'status' : 'log'
  const end = rest.findIndex((line) => !isRow(kind, line))
  const rows = end < 0 ? rest : rest.slice(0, end)
  const columns = columnsOf(head)
  const nodes = new Map<string, Map<string, string>>()
  const isPart = rows.includes('…')
  for (const row of rows.filter((row) => row !== '…')) {
    if (kind === 'status') {
      const cells = columns.map(({ name, from, to }): [string, string] => [name, row.slice(from, to).trim()])
      nodes.set(cells[0]![1], new Map(cells.slice(1)))
    } else {
      const label = /\S+/.exec(row)![0]
      // A disk's knowledge of what is committed depends on its batches.
      if (label === 'commit') continue
      for (const { name, from, to } of columns) {
        const cells = nodes.get(name) ?? new Map<string, string>()
        nodes.set(name, cells.set(label, row.slice(from, to).trim()))
      }
    }
  }
  const heads = kind === 'status' ? columns.map(({ name }) => name) : []
  return { table: { kind, nodes, heads, isPart }, length: rows.length + 1 }
}

export function itemsOf(lines: readonly string[]): Item[] {
  const items: Item[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!
    if (isStatus(line) || isLog(line)) {
      const { table, length } = tableOf(lines.slice(at))
      items.push(table)
      at += length - 1
    } else if (line !== '…' && line.trim() !== '') items.push({ text: line, more: lines[at + 1] === '…' })
  }
  return items
}

function fitsCell(label: string, printed: string, real: string, cast: Cast): boolean {
  if (label === 'pid') return (printed === '') === (real === '')
  if (label === 'term' && printed !== '' && real !== '') return cast.term(Number(printed), Number(real))
  // Who gave its vote, and whom, is chance.
  const chosen = (cell: string) => (label === 'now' ? cell.replace(/→n\d+/, '') : cell)
  // A cell may be cut off, as it is printed.
  const free = (cell: string) => (cell === '…' ? cell : chosen(cell).replace('…', '~'))
  return fitsText(free(printed), free(real), cast)
}

function fitsTable(printed: Table, real: Table, cast: Cast): boolean {
  if (printed.kind !== real.kind || printed.heads.join() !== real.heads.join()) return false
  if (printed.kind === 'status' && !printed.isPart && printed.nodes.size !== real.nodes.size) return false
  const nodes = [...printed.nodes]
  /** Finds a player for each node from this one on. */
  const assign = (at: number, cast: Cast): boolean => {
    if (at === nodes.length) return true
    const [name, cells] = nodes[at]!
    const known = cast.playerOf(name)
    for (const candidate of known === undefined ? [name, ...real.nodes.keys()] : [known]) {
      const others = real.nodes.get(candidate)
      const trial = cast.copy()
      trial.isSoft = true
      if (!others || (!printed.isPart && others.size !== cells.size)) continue
      const fits = [...cells].every(([label, cell]) => fitsCell(label, cell, others.get(label) ?? '', trial))
      if (fits && trial.name(name, candidate) && assign(at + 1, trial)) {
        cast.become(trial)
        return true
      }
    }
    return false
  }
  return assign(0, cast)
}

const isText = (item: Item): item is Line => item !== 'anything' && 'text' in item
/** What happens by itself may come before or after an answer. */
const isEvent = (item: Item): item is Line => isText(item) && /^n\d+ {1,2}\S/.test(item.text)
/** When an election takes place, and how often somebody stands for it, is chance. */
const isChance = (item: Item) => isText(item) && /^n\d+ {2}(stands for election|LEADS )/.test(item.text)
const isElection = (item: Item) => isText(item) && item.text.includes(' LEADS ')
const isCandidate = (item: Item) => isChance(item) && !isElection(item)
/** Whether a node that is out hears of it before it is in again, is chance. */
const isHearsay = (item: Item) => isText(item) && /^n\d+ {2}hears that it is no member any more$/.test(item.text)

/** Whether a line is one of those that `…` stands for: but for its numbers it is the line before. */
const isLike = (line: Line, real: Item) =>
  line.more && isText(real) && line.text.replaceAll(/\d+/g, '#') === real.text.replaceAll(/\d+/g, '#')

function fitsItem(printed: Item, real: Item, cast: Cast): boolean {
  if (printed === 'anything' || real === 'anything') return false
  if (isText(printed)) return isText(real) && fitsText(printed.text, real.text, cast)
  return !isText(real) && fitsTable(printed, real, cast)
}

/** Where this event is among those that came, or -1. An election chooses among equal nodes; so does `follower`. */
function findEvent(event: Line, left: readonly Item[], cast: Cast): number {
  // Among equal nodes each plays itself, if it can: other lines may list them in order.
  const same = left.findIndex((item) => isText(item) && item.text === event.text && fitsItem(event, item, cast))
  const at = same >= 0 ? same : left.findIndex((item) => fitsItem(event, item, cast))
  if (at >= 0 || !(cast.isOpen || isElection(event))) return at
  const open = cast.copy()
  open.isOpen = true
  const found = left.findIndex((item) => isEvent(item) && fitsItem(event, item, open))
  if (found >= 0) cast.become(open)
  return found
}

/** Takes the printed events out of what came. @returns what is left, or null if one of them has not come */
function withoutEvents(printed: readonly Item[], real: readonly Item[], cast: Cast): Item[] | null {
  const left = [...real]
  const events = printed.filter(isEvent)
  // A candidate that is not elected plays nobody in particular.
  if (events.some(isCandidate) && !events.some(isElection) && !left.some(isCandidate)) return null
  for (const event of events.filter((event) => !isCandidate(event))) {
    const at = findEvent(event, left, cast)
    if (at < 0) return null
    left.splice(at, 1)
  }
  return left.filter((item) => !isCandidate(item) && !events.some((event) => isLike(event, item)))
}

/** Whether the other lines are the printed ones, in their order. */
function fitsAnswers(printed: readonly Item[], real: readonly Item[], cast: Cast): boolean {
  let at = 0
  let mayStepOver = (_: Item) => false
  for (const item of printed) {
    if (item === 'anything') mayStepOver = () => true
    else {
      while (at < real.length && !fitsItem(item, real[at]!, cast)) if (!mayStepOver(real[at++]!)) return false
      if (at++ >= real.length) return false
      mayStepOver = (other) => isText(item) && isLike(item, other)
    }
  }
  return real.slice(at).every(mayStepOver)
}

/**
 * Whether all that is printed has come, in its order, and nothing else but what `…` stands for. Elections that came too
 * early are told by `early`, and may be in the print of the next step.
 */
export function fits(printed: readonly Item[], real: readonly Item[], cast: Cast, early: Item[] = []): boolean {
  const trial = cast.copy()
  const left = withoutEvents(printed, [...early, ...real], trial)
  if (!left) return false
  if (left.some((item) => isEvent(item) && !isElection(item) && !isHearsay(item)) && !printed.includes('anything'))
    return false
  const answers = (items: readonly Item[]) => items.filter((item) => !isEvent(item))
  if (!fitsAnswers(answers(printed), answers(left), trial)) return false
  cast.become(trial)
  early.splice(0, early.length, ...left.filter(isElection))
  return true
}
