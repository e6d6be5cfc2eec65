import type { Fault } from '../../server/faults.js'
import { parseLine } from '../../words.js'
import { expand, isNodeWord, strangerIn } from './cast.js'
import { NotationError } from './notation.js'
import {
  type Call,
  type Change,
  called,
  type Driver,
  type MembersSaid,
  type Scenario,
  type Statement,
  type Subject,
} from './scenario.js'

/**
 * Checks a script before it is played: a slip in its last line should not show only after a minute's work.
 *
 * @throws NotationError if a line names what the stage or the cluster does not have
 */
export function checkPlayable(scenario: Scenario, stage: Subject, driver: Driver): void {
  const before: Before = { asked: new Set(), named: new Set(), lookedForLeader: false }
  const check = (statements: readonly Statement[]) => {
    for (const statement of statements) {
      const problem = problemOf(statement, stage, driver, before)
      if (problem !== null) throw new NotationError(scenario.file, statement.line, problem)
      if (statement.kind === 'call') before.asked.add(statement.client)
      if (statement.kind === 'name') for (const name of statement.names) before.named.add(name)
      if (looksForLeader(statement)) before.lookedForLeader = true
      if (statement.kind === 'repeat') check(statement.body)
    }
  }
  check(scenario.statements)
}

/** The clients and names of the lines so far. */
interface Before {
  readonly asked: Set<string>
  readonly named: Set<string>
  lookedForLeader: boolean
}

function problemOf(statement: Statement, stage: Subject, driver: Driver, before: Before): string | null {
  const stranger = strangerIn(nodesOf(statement), driver.nodes, before.named)
  if (stranger !== undefined) {
    const words = '`leader`, `follower`, `2 followers`, `any`, or a name given by a line such as `old = leader`'
    return `there is no node ${stranger}; there are ${driver.nodes.join(' ')}, and ${words}`
  }
  if ('connection' in statement && !driver.connect) return 'a bare connection needs real sockets: `drivers real`'
  if ((statement.kind === 'lose' || statement.kind === 'double') && !driver.chance) {
    return 'only in virtual time does chance lose or double messages: `drivers virtual`'
  }
  if ((statement.kind === 'same leader' || statement.kind === 'new leader') && !before.lookedForLeader) {
    return 'no line has looked who leads yet; `one leader within 5s` does, and any that says `leader` or `follower`'
  }
  if (isOfMembers(statement) && stage.members === 'fixed') {
    return `the members are fixed at ${called(stage)}: \`from stage 8\``
  }
  if (statement.kind === 'hand over' && !stage.commands.transfer_leader)
    return `nobody hands over at ${called(stage)}: \`from stage 10\``
  return statement.kind === 'call' ? problemOfCall(statement, stage, before) : null
}

function problemOfCall({ words, client, fields }: Call, stage: Subject, { asked }: Before): string | null {
  if (words === 'again') return asked.has(client) ? null : `${client} has asked nothing yet that it could ask again`
  try {
    const { command } = parseLine(words.replaceAll('$round', '1'), stage.commands)
    const known = stage.commands[command.command]!.envelope ?? []
    const strange = Object.keys(fields).find((field) => !known.some(({ name }) => name === field))
    return strange === undefined ? null : `nothing called ${strange} stands beside ${command.command} at this stage`
  } catch (error) {
    return (error as Error).message
  }
}

function looksForLeader(statement: Statement): boolean {
  return statement.kind === 'one leader' || expand(nodesOf(statement)).some(isNodeWord)
}

/** Lists the words of a line that mean nodes. */
export function nodesOf(statement: Statement): readonly string[] {
  if (statement.kind === 'name') return statement.words
  if (statement.kind === 'call') return pinOf(statement) ?? []
  if (statement.kind === 'has a snapshot') return [statement.word]
  if (isOfMembers(statement) || statement.kind === 'hand over') return statement.words
  return statement.kind === 'fault' ? nodesOfFault(statement.fault) : []
}

function isOfMembers(statement: Statement): statement is Extract<Statement, Change | MembersSaid> {
  return ['change', 'voters', 'learners', 'change under way'].includes(statement.kind)
}

export function nodesOfFault(fault: Fault): readonly string[] {
  if (fault.word === 'heal') return []
  return fault.word === 'cut' ? [fault.from, fault.to] : fault.nodes
}

/** Reads the word behind the `@` of a call, alone in a list; null if the client may choose the node. */
export function pinOf({ words }: Call): readonly string[] | null {
  return /\s@(\w+)$/.exec(words)?.slice(1) ?? null
}
