import { formatWithOptions } from 'node:util'
import { type Answer, type Command, limits, type Outcome } from '../../src/contracts.js'
import { exitCodes } from '../../src/server/exits.js'
import { jsonLine, mapTexts, oneLine } from '../../src/text.js'
import type { CallFailure } from '../commands-of.js'
import { colour, nodeColour } from './colour.js'
import { table } from './table.js'

/** An outcome, whatever codes the errors of its application have. */
type Ended =
  | Extract<Outcome, { outcome: 'done' }>
  | { readonly outcome: 'refused' | 'unknown'; readonly error: CallFailure }

/** Describes an outcome for a person. Values are quoted, so that `"(absent)"` is a value and `(absent)` is none. */
export function describeOutcome(command: Command, outcome: Ended): string {
  if (outcome.outcome === 'done') return describeAnswer(command, outcome.answer)
  const { actual, ...error } = outcome.error
  const { code, message, definite: _definite, leader, address, ...details } = mapTexts(error, shown) as typeof error
  const head = outcome.outcome === 'refused' ? colour.red(`refused ${code}`) : colour.yellow(`unknown ${code}`)
  const holds = code === 'cas_mismatch' ? `; it holds ${describeValue(actual)}` : ''
  const where = typeof leader === 'string' ? ` (leader ${leader} at ${String(address)})` : ''
  const more = Object.keys(details).length > 0 ? ` ${JSON.stringify(details)}` : ''
  return `${head}: ${message}${holds}${where}${more}`
}

/** Cuts and escapes words of a node, which may repeat a stranger's words; keys and values are escaped only. */
const shown = (text: string) => oneLine(text, shownLength)
const shownLength = 1_000

function describeValue(value: unknown): string {
  return value === null ? colour.dim('(absent)') : jsonLine(value)
}

/** Describes an answer, and behind it what stands beside it: how far its node was in the log, and how old it may be. */
function describeAnswer(command: Command, { index, ageMs, ...answer }: Answer & { ok: true }): string {
  const age = ageMs === undefined ? '' : `, at most ${String(ageMs)} ms old`
  const beside = index === undefined ? '' : ` ${colour.dim(`(index ${String(index)}${age})`)}`
  return `${describeOwn(command, answer)}${beside}`
}

function describeOwn(command: Command, answer: Answer & { ok: true }): string {
  switch (command.command) {
    case 'get':
      return 'value' in answer ? describeValue(answer.value) : describeFields(answer)
    case 'delete':
      if (!('existed' in answer)) return describeFields(answer)
      return answer.existed ? 'ok' : `ok ${colour.dim('(there was no such key)')}`
    case 'append':
      return `ok ${colour.dim(`(length ${String(answer.length)})`)}`
    case 'scan':
      return describeScan(command, answer as unknown as ScanAnswer)
    case 'transfer_leader':
      return `ok ${colour.dim(`(${shown(String(answer.leader))} leads)`)}`
    case 'open_session':
      return `ok ${colour.dim(`(session ${String(answer.session)})`)}`
    case 'members':
      return describeMemberList(mapTexts(answer, shown) as MemberList)
    case 'add_node':
    case 'promote':
    case 'demote':
    case 'found_cluster':
    case 'remove_node':
    case 'reconfigure':
      return `ok ${colour.dim(`(${describeParts(answer)})`)}`
    case 'info':
      return describeInfo(mapTexts(answer.info, shown) as Record<string, unknown>)
    default:
      return describeFields(answer)
  }
}

/** Lists the voters of a cluster, and the learners if it has any. */
function describeParts({ voters, learners = [] }: Readonly<Record<string, unknown>>): string {
  const list = (ids: unknown) => (ids as string[]).map(shown).join(' ')
  return `voters ${list(voters)}${(learners as string[]).length > 0 ? `; learners ${list(learners)}` : ''}`
}

/** Describes an answer of a command that no table here knows. */
function describeFields({ ok: _, ...fields }: Answer & { ok: true }): string {
  return Object.keys(fields).length > 0 ? `ok ${jsonLine(fields)}` : 'ok'
}

interface ScanAnswer {
  readonly entries: readonly (readonly [string, string])[]
  readonly more: boolean
  readonly page?: string
}

function describeScan(command: Command, { entries, more, page }: ScanAnswer): string {
  const lines = entries.map(([key, value]) => `${jsonLine(key)} ${colour.dim('=')} ${jsonLine(value)}`)
  const { prefix = '', limit = limits.usualScanKeys } = command
  const next = page === undefined ? [prefix, entries.at(-1)?.[0]] : [prefix, '', limit, page]
  if (more) lines.push(colour.dim(`there are more: scan ${next.map(jsonLine).join(' ')}`))
  return lines.length > 0 ? lines.join('\n') : colour.dim('(no entries)')
}

interface MemberList {
  readonly members: readonly {
    readonly id: string
    readonly client: string
    readonly peer: string
    readonly role: string
    readonly disk?: string
  }[]
  readonly leader: string | null
}

function describeMemberList({ members, leader }: MemberList): string {
  if (members.length === 0) return colour.dim('(it knows of no cluster)')
  const rows = members.map(({ id, client, peer, role, disk }) => [
    nodeColour(id),
    (id === leader ? `${role}, leads` : role) + (disk ? colour.yellow(`, disk lost (${disk})`) : ''),
    client,
    peer,
  ])
  return table([['node', 'role', 'clients', 'peers'].map((head) => colour.dim(head)), ...rows])
}

function describeInfo(info: Readonly<Record<string, unknown>>): string {
  const width = Math.max(...Object.keys(info).map((name) => name.length))
  const plain = (value: unknown) =>
    typeof value === 'string' ? value : formatWithOptions({ compact: true }, '%j', value)
  return Object.entries(info)
    .map(([name, value]) => `${colour.dim(name.padEnd(width))}  ${plain(value)}`)
    .join('\n')
}

/** Prints an outcome for a program that reads a pipe: the bare value, keys and values with a tab between them. */
export function plainOutcome(command: Command, outcome: Outcome): string {
  if (outcome.outcome !== 'done') return ''
  const { answer } = outcome
  if (command.command === 'get' && 'value' in answer) return answer.value === null ? '' : String(answer.value)
  if (command.command === 'scan')
    return (answer as unknown as ScanAnswer).entries.map((pair) => pair.join('\t')).join('\n')
  return describeAnswer(command, answer)
}

/** Gives an outcome's exit code: done 0, refused 1, unknown 3; 2 is for a command that was never asked. */
export function exitCode({ outcome }: Pick<Outcome, 'outcome'>): number {
  return exitCodes[outcome]
}
