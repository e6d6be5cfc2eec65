import { ConfigError } from '../../src/errors.js'
import { nodeIdShape } from '../../src/server/settings.js'
import { AuthorityFolder, hostsOf } from '../cluster/authority.js'
import { readClusterFile, shownPath } from '../cluster/cluster-file.js'
import { placesIn } from '../cluster/tls-places.js'
import type { Verb } from './verb.js'

interface CertsArguments {
  what: 'dev'
  out: string
  config: string | undefined
  cluster: string | undefined
  nodes: string | undefined
  hosts: string | undefined
}

export const certs: Verb<CertsArguments> = {
  builder: (yargs) =>
    yargs
      .positional('what', { choices: ['dev'] as const, demandOption: true, describe: 'an authority for trying' })
      .option('out', { type: 'string', demandOption: true, describe: 'the folder for its certificates and keys' })
      .option('config', { type: 'string', describe: 'the file of the cluster: its name, its nodes and their hosts' })
      .option('cluster', { type: 'string', describe: "without a file: the cluster's name [raft-roadmap]" })
      .option('nodes', { type: 'string', describe: 'without a file: the names of the nodes [n1,n2,n3,n4,n5]' })
      .option('hosts', { type: 'string', describe: 'host names and addresses of the nodes, besides localhost: a,b,…' })
      .example('$0 certs dev --out certs --config cluster.yaml', 'for the nodes of a file')
      .example('$0 client --certs certs', 'asks with the certificate client.crt')
      .epilogue(
        'Certificates that are there and last are left as they are, so that nodes may be added. The key of the authority, ca.key, ' +
          'lies in the folder as well: whoever reads it can pose as each of the nodes. For trying, not for production.',
      ),
  async handler(args) {
    const { cluster, nodes, hosts } = wantedBy(args)
    const folder = await AuthorityFolder.open(args.out, cluster)
    const issued = [...(await folder.nodes(nodes, hosts)), ...(await folder.client())]
    const { ca, cert } = placesIn(args.out)
    console.log(`authority     ${shownPath(ca)}`)
    for (const name of issued) console.log(`${name.padEnd(13)} ${shownPath(cert.replace('{name}', name))}`)
    if (issued.length === 0) console.log('all certificates are there, and last: none was issued')
    else console.log(`nodes and clients of ${cluster} take them with --certs ${shownPath(args.out)}`)
  },
}

/** Reads from the file, or from flags, for whom certificates are wanted. @throws ConfigError */
function wantedBy({ config, cluster, nodes, hosts }: CertsArguments) {
  if (config !== undefined && (cluster !== undefined || nodes !== undefined))
    throw new ConfigError('--cluster and --nodes are in the file; leave them out')
  const file = config === undefined ? null : readClusterFile(config)
  const names = file?.nodes.map(({ id }) => id) ?? listOf(nodes ?? 'n1,n2,n3,n4,n5')
  for (const name of names) {
    const { error } = nodeIdShape.safeParse(name)
    if (error) throw new ConfigError(`--nodes: ${JSON.stringify(name)}: ${error.issues[0]!.message}`)
  }
  const all = [...hostsOf(file?.nodes ?? []), ...listOf(hosts ?? '')]
  return { cluster: file?.cluster ?? cluster ?? 'raft-roadmap', nodes: names, hosts: [...new Set(all)] }
}

const listOf = (text: string) => text.split(',').flatMap((one) => one.trim() || [])
