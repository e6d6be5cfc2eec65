import type { NodeId } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { DamagedLogError, DiskError } from '../storage/errors.js'

/** The ports of a node, and for whom each is. */
const served = { client: 'clients', peer: 'peers', app: 'gRPC', metrics: 'metrics' } as const

/** Listens on a port. @throws ConfigError that says which port cannot be had, and what to do */
export async function explainPort<T>(
  id: NodeId,
  kind: keyof typeof served,
  address: string,
  listen: () => Promise<T>,
): Promise<T> {
  try {
    return await listen()
  } catch (error) {
    if (error instanceof ConfigError || error instanceof DamagedLogError || error instanceof DiskError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'EADDRINUSE'
        ? 'it is in use; stop whoever has it, or choose another: in the file, with --peers, or for `run` with --base-port'
        : message
    throw new ConfigError(`${id} cannot listen for ${served[kind]} on ${address}: ${why}`)
  }
}
