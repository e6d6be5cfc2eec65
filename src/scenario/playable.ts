import type { NodeId } from '../contracts.js'
import type { Stage } from '../stage.js'
import { parseLine } from '../words.js'
import { NotationError } from './notation.js'
import type { Driver, Scenario, Statement } from './scenario.js'

/**
 * Looks through a script before anything of it is done: a slip in its last line should not show after a minute's work.
 *
 * @throws NotationError if a line names what the stage or the cluster does not have
 */
export function checkPlayable(scenario: Scenario, stage: Stage, driver: Driver): void {
  const askedBefore = new Set<string>()
  const check = (statements: readonly Statement[]) => {
    for (const statement of statements) {
      const problem = problemOf(statement, stage, driver, askedBefore)
      if (problem !== null) throw new NotationError(scenario.file, statement.line, problem)
      if (statement.kind === 'call') askedBefore.add(statement.client)
      if (statement.kind === 'repeat') check(statement.body)
    }
  }
  check(scenario.statements)
}

function problemOf(statement: Statement, stage: Stage, driver: Driver, asked: ReadonlySet<string>): string | null {
  const strange = nodesOf(statement).find((node) => !driver.nodes.includes(node))
  if (strange !== undefined) return `there is no node ${strange}; there are ${driver.nodes.join(' ')}`
  if ('connection' in statement && !driver.connect) return 'a bare connection needs real sockets: `drivers real`'
  if (statement.kind !== 'call') return null
  if (statement.words === 'again') {
    return asked.has(statement.client) ? null : `${statement.client} has asked nothing yet that it could ask again`
  }
  try {
    parseLine(statement.words.replaceAll('$round', '1'), stage.commands)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function nodesOf(statement: Statement): readonly NodeId[] {
  if (statement.kind === 'call') return /\s@(\w+)$/.exec(statement.words)?.slice(1) ?? []
  if (statement.kind !== 'fault') return []
  const { fault } = statement
  if (fault.word === 'heal') return []
  return fault.word === 'cut' ? [fault.from, fault.to] : fault.nodes
}
