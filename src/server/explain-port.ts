import type { NodeId } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { DamagedLogError, DiskError } from '../storage/errors.js'

/** The ports of a node: for clients, for the other nodes, and for the services of gRPC. */
type Port = 'client' | 'peer' | 'app'

/** Listens on a port. @throws ConfigError that says which port cannot be had, and what to do */
export async function explainPort<T>(id: NodeId, kind: Port, address: string, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen()
  } catch (error) {
    if (error instanceof ConfigError || error instanceof DamagedLogError || error instanceof DiskError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'EADDRINUSE'
        ? 'it is in use; stop whoever has it, or choose other ports with --base-port, or in the file'
        : message
    throw new ConfigError(`${id} cannot listen for ${kind === 'app' ? 'gRPC' : `${kind}s`} on ${address}: ${why}`)
  }
}
