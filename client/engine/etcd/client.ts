/** A client of etcd: that of this project, over gRPC. */
import { Client } from '../../client.js'
import type { ClientSettings } from '../../settings.js'
import { etcdWire } from './wire.js'

/**
 * Makes a client of etcd. A write is asked once: etcd has no sessions that would make a second one harmless.
 *
 * @throws ConfigError if no address is given, or a setting is not valid
 */
export function etcdClient({ session: _, ...settings }: ClientSettings): Client {
  return new Client({ ...settings, session: false }, etcdWire)
}
