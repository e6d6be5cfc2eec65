import { z } from 'zod'
import { shape } from '../../src/command-shape.js'
import { addressProblem, isNodeId, limits } from '../../src/contracts.js'

const name = { error: 'a name of 1 to 32 letters, digits, - or _, and not __proto__' }
/** The name of a node in a command. The field is not called `id`: in a client's request, `id` names the request. */
export const node = z.string(name).refine(isNodeId, name)
/** An address in a command. */
export const address = z
  .string({ error: 'host:port' })
  .refine((text) => addressProblem(text) === null, { error: ({ input }) => addressProblem(String(input))! })
/** The flag of a change that is made also where too few would be left alive. */
export const force = z.literal(true, { error: 'true, or left out' }).optional()
/**
 * Characters of the longest name with addresses: a name of 32, and two addresses of 262 with their brackets and ports.
 */
const nameLength = 600
const names = z
  .array(
    z.string({ error: 'a list of names' }).max(nameLength, { error: `names of ${nameLength} characters at most` }),
    {
      error: 'a list of names',
    },
  )
  .min(1, { error: 'one name at least' })
  .max(limits.voters, { error: `${limits.voters} names at most: a cluster has no more voters` })

/** The commands with which a client changes the members of a cluster, and asks for them. */
export const membershipCommands = {
  add_node: shape(
    'add_node',
    { node, client: address, peer: address, force },
    { help: 'take in a node that runs: it catches up, then it votes; `force` as in remove_node', readOnly: false },
  ),
  remove_node: shape(
    'remove_node',
    { node, force },
    { help: 'the cluster goes on without this node; `force` also if too few would be left alive', readOnly: false },
  ),
  reconfigure: shape(
    'reconfigure',
    { voters: names, force },
    { help: 'these voters in place of all others, in one change; a new one as n6=client/peer', readOnly: false },
  ),
  cancel_change: shape(
    'cancel_change',
    {},
    { help: 'call off the change of members that is under way; what was begun is undone', readOnly: false },
  ),
  found_cluster: shape(
    'found_cluster',
    { members: names.optional() },
    {
      help: 'once, where there is no cluster yet: this node founds it, alone or with n2=client/peer …',
      readOnly: false,
    },
  ),
  members: shape(
    'members',
    {},
    { help: 'who belongs to the cluster, and where they listen', readOnly: true, role: 'read' },
  ),
}

type Of<Name extends keyof typeof membershipCommands> = z.infer<(typeof membershipCommands)[Name]['schema']>
export type AddNode = Of<'add_node'>
export type RemoveNode = Of<'remove_node'>
export type Reconfigure = Of<'reconfigure'>
export type FoundCluster = Of<'found_cluster'>
