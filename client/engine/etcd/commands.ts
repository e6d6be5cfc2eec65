/** The commands that etcd can be asked: their shapes, which are those of this project, and what each does there. */
import { type Answer, type Command, type CommandShape, failure } from '../../../src/contracts.js'
import { inEnvelopes } from '../../../src/envelopes.js'
import { keyValue } from '../../../stages/0-key-value-store/key-value.js'
import { envelopes } from '../../../stages/9-client-interaction/envelope.js'
import { latest } from '../../../stages/index.js'
import { type EtcdApi, EtcdError } from './api.js'
import { answerOf } from './errors.js'
import { memberCommands, refusalUnlessLeader } from './members.js'
import { storeCommands } from './store.js'

const all = { ...storeCommands, ...memberCommands } as unknown as Readonly<
  Record<string, (api: EtcdApi, command: Command) => Promise<Answer>>
>

/** The one field beside a write that etcd has something for: its revision is the index. */
const write = {
  takes: envelopes.write.takes.filter(({ name }) => name === 'withIndex'),
  check: envelopes.write.check,
}

/** The shapes of the commands. A session is none of etcd's: what asks for one is refused. */
export const etcdCommands: Readonly<Record<string, CommandShape>> = {
  ...inEnvelopes(keyValue.commands, { read: envelopes.read, write }),
  ...Object.fromEntries(Object.keys(memberCommands).map((name) => [name, latest.commands[name]!])),
}

/** Nodes that have said that they lead. One that leads no more passes writes on, which is only a longer way. */
const leading = new WeakSet<EtcdApi>()

/**
 * Refuses a write at a node that does not lead, and names the leader, as a node of ours does. etcd would pass it on: but
 * a client that asks the leader itself loses no call with the node between.
 */
async function refusedWrite(api: EtcdApi, command: string): Promise<Answer | null> {
  if (!Object.hasOwn(keyValue.commands, command) || etcdCommands[command]!.readOnly || leading.has(api)) return null
  const refusal = await refusalUnlessLeader(api)
  if (!refusal) leading.add(api)
  return refusal
}

/**
 * Performs a command at one node of etcd, and answers as a node of ours would.
 *
 * @throws EtcdError if the connection broke: then nobody knows what became of a write
 */
export async function perform(api: EtcdApi, candidate: Command): Promise<Answer> {
  const { command: name } = candidate
  const shape = Object.hasOwn(etcdCommands, name) ? etcdCommands[name] : undefined
  if (!shape) {
    const known = Object.keys(etcdCommands).join(' ')
    return failure('unknown_command', `there is no command ${JSON.stringify(name)} for etcd; there are ${known}`)
  }
  const checked = shape.check(candidate)
  if (!checked.ok) return checked
  try {
    const refusal = await refusedWrite(api, name)
    if (refusal) return refusal
    return await all[name]!(api, { ...checked.command, ...checked.envelope })
  } catch (error) {
    if (error instanceof EtcdError && error.isAnswer) return answerOf(error)
    throw error
  }
}
