import { assembleNode } from '../../src/assemble.js'
import { systemRandom } from '../../src/clock.js'
import type { Event } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { timingOf } from '../../src/server/config.js'
import { schemas } from '../../stages/schemas.js'
import { EndingClock } from './clock.js'
import { jsonCodec } from './codec.js'
import { publishingApplies, publishingSends, publishingWrites } from './diagnostics.js'
import { RaftError } from './errors.js'
import { applicationOf } from './machine.js'
import { checkOptions, type NodeOptions } from './options.js'
import { RaftNode } from './raft-node.js'
import { stageOf } from './table.js'

/** Entries whose results nodes compare with each other as one number. */
const compareEntries = 128

/**
 * Starts a node of a replicated state machine inside this program. It resolves when the node listens; a leader may not
 * be known yet.
 *
 * @throws ConfigError if a setting is wrong, a certificate cannot be used (with a `code`), the port is taken, or the folder is another node's
 * @throws DamagedLogError if the log in the folder cannot be trusted
 */
export async function createNode<C, R, Q = never, A = never>(
  options: NodeOptions<C, R, Q, A>,
): Promise<RaftNode<C, R, Q, A>> {
  const { self, listen, members, bootstrap, network, log, pace, commandBytes } = checkOptions(options)
  const { cluster, codec = jsonCodec<C>(), machine, dataDir, signal, compareResults = true } = options
  if (signal?.aborted) throw new RaftError('aborted', 'the signal was aborted', { cause: signal.reason })
  const clock = new EndingClock()
  const node = new RaftNode<C, R, Q, A>(self.id, { codec, commandBytes, clock, random: systemRandom })
  const tls = await openTls(options, (event) => node.hear(event))
  const parts = await assembleNode(
    stageOf(applicationOf('a program', codec, () => publishingApplies(self.id, machine))),
    {
      ...{
        id: self.id,
        members,
        cluster,
        listen,
        bootstrap,
        network,
        log,
        dataDir,
        clock,
        random: systemRandom,
        schemas,
        tls,
      },
      timing: { ...timingOf(pace), compareEntries: compareResults ? compareEntries : 0 },
      around: (network) => publishingSends(self.id, network),
      aroundLog: (log) => publishingWrites(self.id, log),
      about: {},
      notice: (event) => node.hear(event),
      turned: () => node.turned(),
      fatal: (error) => node.failed(error),
    },
  )
  node.attach(parts, tls)
  try {
    await parts.node.start()
  } catch (error) {
    parts.node.kill()
    clock.end()
    tls?.close()
    await parts.release().catch(() => {})
    throw explained(error, self.id, listen)
  }
  signal?.addEventListener('abort', () => void node.close(), { once: true })
  if (signal?.aborted) await node.close()
  return node
}

/** Reads the node's certificate; nothing of TLS is loaded for a node that has none. @throws CertificateError */
async function openTls(
  { id: self, cluster, tls }: Pick<NodeOptions<never, never>, 'id' | 'cluster' | 'tls'>,
  notice: (event: Event) => void,
) {
  if (!tls) return undefined
  const { NodeTls } = await import('../../src/network/tls.js')
  return new NodeTls(tls, { self, cluster, notice })
}

function explained(error: unknown, id: string, listen: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL' && code !== 'EACCES') return error
  const why = code === 'EADDRINUSE' ? 'it is in use' : (error as Error).message
  return new ConfigError(`${id} cannot listen for nodes at ${listen}: ${why}`)
}
