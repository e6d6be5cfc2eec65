import { z } from 'zod'
import { addressProblem, formatAddress, parseAddress } from '../address.js'
import { defaultTiming, isNodeId, limits } from '../contracts.js'
import { logKinds, networkNames } from '../stage.js'
import { logLevelShape, logLevels } from './levels.js'
import { quotaShapes } from './quotas.js'
import { oneOf, wholeShape } from './shapes.js'

/** The shape of an address that other nodes, and clients, are told. */
export const addressShape = z.string('must be an address, host:port').refine((text) => addressProblem(text) === null, {
  error: ({ input }) => `${JSON.stringify(input)} must be ${addressProblem(String(input))}`,
})

/** The shape of a host at which a node listens: a name or an address, without a port. */
export const hostShape = z
  .string('must be a host')
  .refine((host) => parseAddress(formatAddress({ host, port: 0 })) !== null, 'must be a host, such as 0.0.0.0 or ::')

export const nodeIdShape = z
  .string('must be a name')
  .refine(isNodeId, { error: 'a name is 1 to 32 letters, digits, - or _, and not __proto__' })

/** The settings that all nodes of a cluster share: flags, variables of the environment and files give them alike. */
export const settingShapes = {
  /** The network that carries messages between nodes. */
  network: oneOf(networkNames),
  /** The kind of store that keeps the log, at the stages that have one. */
  log: oneOf(logKinds),
  /** Milliseconds between the heartbeats of an idle leader. */
  heartbeat: wholeShape(1, 60_000),
  /** Milliseconds of a leader's silence, at least, after which a follower begins an election. */
  election: wholeShape(3, 600_000),
  /** Entries of the log after which a snapshot is due (stage 7 on). */
  snapshotEntries: wholeShape(1, 1_000_000_000),
  /** Bytes of the log's entries after which a snapshot is due (stage 7 on). */
  snapshotBytes: wholeShape(1, 1_000_000_000_000),
  /** True if a leader may answer reads by a lease (stage 10 on): all nodes must have it, or none. */
  leaseReads: z.boolean('must be true or false'),
  /** The least weighty events that are told. */
  logLevel: logLevelShape,
  ...quotaShapes,
  /** The file of tokens; without it, whoever reaches a port may ask everything. */
  tokens: z.string('must be the path of a file').min(1, 'must not be empty'),
  /** True if metrics and readiness are told without a token, where tokens are demanded. */
  metricsOpen: z.boolean('must be true or false'),
} as const

/** The preference for a node as leader (stage 10 on): the higher number goes first. */
export const priorityShape = wholeShape(0, 1_000)

/** The settings that are used where nobody has given others; the network is the stage's own. */
export const defaultSettings = {
  log: 'file',
  heartbeat: defaultTiming.heartbeatTicks * defaultTiming.tickMs,
  election: defaultTiming.electionTicks * defaultTiming.tickMs,
  snapshotEntries: defaultTiming.snapshotEntries,
  snapshotBytes: defaultTiming.snapshotBytes,
  leaseReads: false,
  logLevel: logLevels[0],
  metricsOpen: false,
} as const

export const portShape = wholeShape(1, 65_535)

const pathShape = z.string('must be the path of a PEM file').min(1, 'must not be empty')

/** The shape of a certificate's places: paths of PEM files; and whether clients must show certificates as well. */
export const tlsShape = z.strictObject(
  {
    /** The certificate of the authority that has signed all others. */
    ca: pathShape,
    /** The certificate, and its private key. In a cluster's file, `{name}` stands for the node's name. */
    cert: pathShape,
    key: pathShape,
    clientCertificates: z.boolean('must be true or false').default(true),
  },
  'must say where the certificates are: { ca: tls/ca.crt, cert: "tls/{name}.crt", key: "tls/{name}.key" }',
)

const nodeShape = z.strictObject(
  {
    /** The addresses for clients and for the other nodes. */
    client: addressShape,
    peer: addressShape,
    /** The port for the services of gRPC, at the host of `client`; without it, they are served on no port of their own. */
    appPort: portShape.optional(),
    /** The port for metrics and health over HTTP, at the host of `client`; without it, nothing is measured. */
    metricsPort: portShape.optional(),
    /** The host at which the node listens, if it is another than those in its addresses. */
    listen: hostShape.optional(),
    priority: priorityShape.default(0),
  },
  'must say where the node listens, such as { client: 127.0.0.1:7001, peer: 127.0.0.1:7101 }',
)

/** The shape of a file that describes a cluster. */
export const clusterFileShape = z.strictObject(
  {
    /** The name that all nodes share; nodes of another cluster are refused. */
    cluster: z.string('must be the name that all nodes share').min(1, 'must not be empty'),
    stage: z.union([z.string(), z.int()], 'must be the number of a stage, its name, or latest').default('latest'),
    /** The name of the application that the cluster replicates. */
    application: z.string('must be the name of an application').default('key-value'),
    /** The folder that has a folder for each node; a relative path begins where the file is. */
    dataDir: z.string('must be the path of a folder').min(1, 'must not be empty').default('data'),
    ...z.strictObject(settingShapes).partial().shape,
    /** The certificates, where nodes and clients speak TLS; relative paths begin where the file is. */
    tls: tlsShape.optional(),
    nodes: z
      .record(nodeIdShape, nodeShape, 'must list the nodes by their names: n1: { client: …, peer: … }')
      .refine((nodes) => Object.keys(nodes).length > 0, 'must have one node at least')
      .refine((nodes) => Object.keys(nodes).length <= limits.voters, `must have ${limits.voters} nodes at most`),
  },
  'must be settings, each on a line of its own: cluster: orders',
)

export type ClusterFileContents = z.infer<typeof clusterFileShape>
