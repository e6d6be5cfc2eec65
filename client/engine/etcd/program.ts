/** The program `etcd` of this machine: its version, and its command line. */
import { spawnSync } from 'node:child_process'
import { isIP } from 'node:net'
import { parseAddress } from '../../../src/address.js'
import type { Member } from '../../../src/contracts.js'
import { ConfigError } from '../../../src/errors.js'

/** The sentence for who has no etcd. */
export const etcdIsMissing = 'etcd is not installed here: `apt-get install etcd-server` installs it on Debian'

/** Asks etcd for its version, such as `3.4.23`; null if it is not installed. */
export function installedEtcd(): string | null {
  const { stdout } = spawnSync('etcd', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return /^etcd Version: (\S+)/.exec(stdout ?? '')?.[1] ?? null
}

/** Asks etcd for its version. @throws ConfigError if it is not installed, or is not of the third generation */
export function requireEtcd(): string {
  const version = installedEtcd()
  if (version === null) throw new ConfigError(etcdIsMissing)
  if (version.startsWith('3.')) return version
  throw new ConfigError(`etcd ${version} is installed here, and only etcd 3 is known`)
}

/** The members with which a node starts: those that found the cluster, or those of a cluster that it joins. */
export interface Founding {
  readonly members: readonly Member[]
  readonly state: 'new' | 'existing'
}

/**
 * Writes the command line of a node. All but names and places is left as etcd has it, so every write is synced; the
 * quota only ends a long run with an error.
 *
 * @param folder a folder for each node is below it
 * @param more options besides, by their names
 */
export function etcdArguments(
  { id, client, peer }: Member,
  { members, state }: Founding,
  folder: string,
  more: Readonly<Record<string, string>> = {},
): string[] {
  const options = {
    name: id,
    'data-dir': `${folder}/${id}`,
    'listen-client-urls': listened(client),
    'advertise-client-urls': `http://${client}`,
    'listen-peer-urls': listened(peer),
    'initial-advertise-peer-urls': `http://${peer}`,
    'initial-cluster': members.map((member) => `${member.id}=http://${member.peer}`).join(','),
    'initial-cluster-state': state,
    'quota-backend-bytes': String(8 * 2 ** 30),
    logger: 'zap',
    'log-level': 'error',
    ...more,
  }
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`)
}

/** The address at which etcd listens: it takes no name there, so a host that has a name listens at each of its addresses. */
function listened(address: string): string {
  const { host, port } = parseAddress(address)!
  return isIP(host) === 0 ? `http://0.0.0.0:${port}` : `http://${address}`
}
