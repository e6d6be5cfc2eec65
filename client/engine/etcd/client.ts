/** A client of etcd: that of this project, over gRPC. */
import { Client } from '../../client.js'
import type { ClientSettings } from '../../settings.js'
import type { EtcdUser } from './access.js'
import { etcdWire } from './wire.js'

/** Settings of a client of etcd: those of any client, and the user as whom it asks. A token is none of etcd's. */
export interface EtcdClientSettings extends Omit<ClientSettings, 'token'> {
  readonly user?: EtcdUser | undefined
}

/**
 * Makes a client of etcd. A write is asked once: etcd has no sessions that would make a second one harmless.
 *
 * @throws ConfigError if no address is given, or a setting or a certificate is not valid
 */
export function etcdClient({ session: _, tls, user, ...settings }: EtcdClientSettings): Client {
  return new Client({ ...settings, session: false }, (heard) => etcdWire(heard, { tls, user }))
}
