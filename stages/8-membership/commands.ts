import { z } from 'zod'
import { shape } from '../0-key-value-store/commands.js'

export const isAddress = (text: string) => /^(\[[^\]]+\]|[^:\s/,]+):\d{1,5}$/.test(text)

const name = { error: 'a name of 1 to 32 letters, digits, - or _' }
/** Not `id`: in what comes from a client, that names the request. */
const node = z.string(name).regex(/^[A-Za-z0-9_-]{1,32}$/, name)
const address = z.string({ error: 'host:port' }).refine(isAddress, { error: 'host:port' })
const force = z.literal(true, { error: 'true, or left out' }).optional()
const names = z.array(z.string(), { error: 'a list of names' }).min(1, { error: 'one name at least' })

/** What a client may say about the members of a cluster. */
export const membershipCommands = {
  add_node: shape(
    'add_node',
    { node, client: address, peer: address },
    { help: 'take in a node that runs: it catches up, then it votes', readOnly: false },
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
  found_cluster: shape(
    'found_cluster',
    { members: names.optional() },
    {
      help: 'once, where there is no cluster yet: this node founds it, alone or with n2=client/peer …',
      readOnly: false,
    },
  ),
  members: shape('members', {}, { help: 'who belongs to the cluster, and where they listen', readOnly: true }),
}

type Of<Name extends keyof typeof membershipCommands> = z.infer<(typeof membershipCommands)[Name]['schema']>
export type AddNode = Of<'add_node'>
export type RemoveNode = Of<'remove_node'>
export type Reconfigure = Of<'reconfigure'>
export type FoundCluster = Of<'found_cluster'>
