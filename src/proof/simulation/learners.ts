import type { Command } from '../../contracts.js'
import type { Plan, PlannedCall } from './plan.js'
import { SeededRandom } from './random.js'

/**
 * Has the operators of a plan who add and remove nodes take in learners that stay, promote them, and demote voters, too.
 * What becomes of each of their calls is drawn apart, so that the rest of the plan stays the same.
 */
export function withLearners(plan: Plan): Plan {
  const random = new SeededRandom(plan.seed ^ 0x510e527f)
  if (random.chance(0.4)) return plan
  return { ...plan, calls: plan.calls.map((call) => (isOperator(call) ? learning(call, random) : call)) }
}

/** The clients of {@link withChanges}; the one that adds nodes again after their disks were lost is not among them. */
const isOperator = ({ client }: PlannedCall) => /^op\d+$/.test(client)

function learning(call: PlannedCall, random: SeededRandom): PlannedCall {
  return { ...call, command: learned(call.command, random.next()) }
}

function learned(command: Command, draw: number): Command {
  const { node } = command
  if (command.command === 'add_node' && draw < 0.4) return { ...command, role: 'learner' }
  if (command.command === 'add_node' && draw < 0.6) return { command: 'promote', node }
  if (command.command === 'remove_node' && draw < 0.4) return { command: 'demote', node }
  return command
}
