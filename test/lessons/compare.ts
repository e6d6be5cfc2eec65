/** What a lesson prints, compared with what came: only times, process numbers, checksums, names and terms may differ. */
import type { Cast } from './cast.js'

const special =
  /…|\d+(?:\.\d+)? ?m?s\b|\bpid \d+|"pid":\d+|elected by n\d+(?:, n\d+)*|\bn\d+(?:(?:, | )n\d+)+|\bn\d+\b|127\.0\.0\.1:7[01]0[1-9]\b|\bterm \d+|\bt\d+(?= )|^[0-9a-f]{8}(?= \{)| {2,}/g

type Check = (cast: Cast, real: string) => boolean

const namesIn = (text: string) => text.match(/n\d+/g)!

/** What stands for a part of the print: a pattern, and what is asked of the text that fits it. */
function standIn(part: string): [pattern: string, check: Check] {
  const any = () => true
  if (part === '…') return ['.*', any]
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
  if (/^(term |t)\d+$/.test(part)) {
    const number = (text: string) => Number(/\d+/.exec(text)![0])
    return [part.replace(/\d+/, '\\d+'), (cast, real) => cast.term(number(part), number(real))]
  }
  if (/^[0-9a-f]{8}$/.test(part)) return ['[0-9a-f]{8}', any]
  return [' {2,}', any]
}

/** Whether the text is the printed one, as played by this cast, which then knows more. */
export function fitsText(printed: string, real: string, cast: Cast): boolean {
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

export type Item = { readonly text: string } | Table | 'gap'

/** Where each column of a table's first line begins, and its name. */
function columnsOf(head: string): { name: string; from: number; to: number | undefined }[] {
  const found = [...head.matchAll(/\S+(?: \S+)*/g)]
  return found.map((one, at) => ({ name: one[0], from: one.index, to: found[at + 1]?.index }))
}

const isStatus = (line: string) => /^node {2,}address/.test(line)
const isLog = (line: string) => /^ {3,}n\d+( +n\d+)*$/.test(line)
const isRow = (kind: Table['kind'], line: string) =>
  line === '…' || (kind === 'status' ? /^(n\d+|\?) {2,}/.test(line) : /^ *(\d+|snap|now) {2,}/.test(line))

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
    if (line === '…') items.push('gap')
    else if (isStatus(line) || isLog(line)) {
      const { table, length } = tableOf(lines.slice(at))
      items.push(table)
      if (lines[at + length - 1] === '…') items.push('gap')
      at += length - 1
    } else if (line.trim() !== '') items.push({ text: line })
  }
  return items
}

function fitsCell(label: string, printed: string, real: string, cast: Cast): boolean {
  if (label === 'pid') return (printed === '') === (real === '')
  if (label === 'term' && printed !== '' && real !== '') return cast.term(Number(printed), Number(real))
  // Who gave its vote, and whom, is chance.
  const free = (cell: string) => (label === 'now' ? cell.replace(/→n\d+/, '') : cell)
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

const isText = (item: Item): item is { readonly text: string } => item !== 'gap' && 'text' in item
/** What happens by itself may come before or after an answer. */
const isEvent = (item: Item) => isText(item) && /^n\d+ {1,2}\S/.test(item.text)
/** When an election takes place, and how often somebody stands for it, is chance. */
const isChance = (item: Item) => isText(item) && /^n\d+ {2}(stands for election|LEADS )/.test(item.text)

function fitsItem(printed: Item, real: Item, cast: Cast): boolean {
  if (printed === 'gap' || real === 'gap') return false
  if (isText(printed)) return isText(real) && fitsText(printed.text, real.text, cast)
  return !isText(real) && fitsTable(printed, real, cast)
}

/**
 * Whether all that is printed has come, in its order, and nothing else, unless `…` is printed. Elections that came too
 * early are told by `early`, and may be in the print of the next step.
 */
export function fits(printed: readonly Item[], real: readonly Item[], cast: Cast, early: Item[] = []): boolean {
  const trial = cast.copy()
  const left = [...early, ...real]
  const hasGap = printed.includes('gap')
  // Elections first: they say who leads, which all other lines rest on.
  const events = printed.filter(isEvent).sort((one, other) => Number(isElection(other)) - Number(isElection(one)))
  for (const event of events) {
    // A candidate that is not elected plays nobody in particular.
    const isCandidate = isChance(event) && !isElection(event)
    const at = left.findIndex((item) =>
      isCandidate ? isChance(item) && !isElection(item) : fitsItem(event, item, trial),
    )
    if (at >= 0) left.splice(at, 1)
    else if (!isChance(event) || isElection(event)) return false
  }
  const answers = left.filter((item) => !isEvent(item))
  const surplus = left.filter((item) => isEvent(item) && !isChance(item))
  if (surplus.length > 0 && !hasGap) return false
  let at = 0
  let mayStepOver = false
  for (const item of printed.filter((item) => !isEvent(item))) {
    if (item === 'gap') mayStepOver = true
    else {
      while (at < answers.length && !fitsItem(item, answers[at]!, trial)) {
        if (!mayStepOver) return false
        at++
      }
      if (at++ >= answers.length) return false
      mayStepOver = false
    }
  }
  if (at < answers.length && !mayStepOver) return false
  cast.become(trial)
  early.splice(0, early.length, ...left.filter(isElection))
  return true
}

const isElection = (item: Item) => isText(item) && item.text.includes(' LEADS ')
