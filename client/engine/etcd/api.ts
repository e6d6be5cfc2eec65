/** The connection to one node of etcd: its calls, as its interface has them, each asked once. */
import { fileURLToPath } from 'node:url'
import { Client, connectivityState, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { loadSync, type MethodDefinition, type PackageDefinition, type ServiceDefinition } from '@grpc/proto-loader'

/** The head of every answer. Numbers of 64 bits are text: the names of members are larger than JavaScript's numbers. */
export interface Header {
  readonly cluster_id: string
  readonly member_id: string
  readonly revision: string
  readonly raft_term: string
}

interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer
  readonly mod_revision: string
}

export interface RangeRequest {
  readonly key: Buffer
  readonly range_end?: Buffer
  readonly limit?: number
  readonly revision?: string
  readonly serializable?: boolean
  readonly count_only?: boolean
}

export interface RangeReply {
  readonly header: Header
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
  readonly count: string
}

interface Compare {
  readonly result: 'EQUAL'
  readonly target: 'MOD' | 'VALUE'
  readonly key: Buffer
  readonly mod_revision?: string
  readonly value?: Buffer
}

interface PutRequest {
  readonly key: Buffer
  readonly value: Buffer
}

interface RequestOp {
  readonly request_range?: RangeRequest
  readonly request_put?: PutRequest
}

interface TxnRequest {
  readonly compare?: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure?: readonly RequestOp[]
}

interface TxnReply {
  readonly header: Header
  readonly succeeded: boolean
  readonly responses: readonly { readonly response_range?: RangeReply }[]
}

export interface EtcdMember {
  readonly id: string
  readonly name: string
  readonly peer_urls: readonly string[]
  readonly client_urls: readonly string[]
  readonly is_learner: boolean
}

export interface StatusReply {
  readonly header: Header
  readonly version: string
  readonly db_size: string
  readonly leader: string
  readonly raft_index: string
  readonly raft_term: string
  readonly raft_applied_index: string
  readonly is_learner: boolean
}

interface Members {
  readonly header: Header
  readonly members: readonly EtcdMember[]
}

type Nothing = Readonly<Record<never, never>>

/** The calls that are asked, each with its request and its answer. */
interface Calls {
  readonly 'KV.Range': [RangeRequest, RangeReply]
  readonly 'KV.Put': [PutRequest, { readonly header: Header }]
  readonly 'KV.DeleteRange': [{ readonly key: Buffer }, { readonly header: Header; readonly deleted: string }]
  readonly 'KV.Txn': [TxnRequest, TxnReply]
  readonly 'Cluster.MemberList': [Nothing, Members]
  readonly 'Cluster.MemberAdd': [{ readonly peer_urls: readonly string[]; readonly is_learner: boolean }, Members]
  readonly 'Cluster.MemberRemove': [{ readonly id: string }, Members]
  readonly 'Cluster.MemberPromote': [{ readonly id: string }, Members]
  readonly 'Maintenance.Status': [Nothing, StatusReply]
  readonly 'Maintenance.MoveLeader': [{ readonly target_id: string }, Nothing]
}

/** Thrown by a call that etcd, or the way to it, did not answer as asked. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError'
  /** The code of gRPC. */
  readonly code: status
  /** True if the error is etcd's own answer; false if the connection made it. */
  readonly isAnswer: boolean

  constructor({ code, details }: Pick<ServiceError, 'code' | 'details'>) {
    super(details)
    this.code = code
    this.isAnswer = details.startsWith('etcdserver: ') || !ofConnection.has(code)
  }
}

/** Codes that gRPC itself gives a call whose connection broke, or was never made. */
const ofConnection: ReadonlySet<status> = new Set([status.UNAVAILABLE, status.CANCELLED, status.INTERNAL])

/** The error of a call on a connection that this side has closed. */
const closed = { code: status.CANCELLED, details: 'the connection was closed' }

/** Milliseconds after which a call is forgotten: etcd itself gives up after seven seconds. */
const patienceMs = 30_000

/** Options of a channel. Nothing is repeated: a repeated write would hide that the first one's outcome is unknown. */
const channelOptions = {
  // A host that has moved or vanished never answers over an old connection. etcd takes no pings under five seconds.
  'grpc.keepalive_time_ms': 8_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
}

// The compiler copies no `.proto` file: it stays with the sources.
const schema = fileURLToPath(new URL('../../../../client/engine/etcd/etcd.proto', import.meta.url))
let loaded: PackageDefinition | undefined

function methodOf(call: keyof Calls): MethodDefinition<object, object> {
  loaded ??= loadSync(schema, { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true })
  const [service, method] = call.split('.') as [string, string]
  return (loaded[`etcdserverpb.${service}`] as ServiceDefinition)[method]!
}

/** One node of etcd, over one connection. When the connection is lost, it is not made anew. */
export class EtcdApi {
  readonly #client: Client
  #isClosed = false
  /** A node that knows no leader refuses a call of the store at once, and has done nothing then. */
  readonly #ledOnly = new Metadata()

  /** @param address `host:port` */
  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), channelOptions)
    this.#ledOnly.set('hasleader', 'true')
  }

  /** Connects. @throws Error if no connection stands after some milliseconds, or none can be made */
  async connect(ms: number): Promise<void> {
    const end = Date.now() + ms
    for (let state = this.#state(true); state !== connectivityState.READY; state = this.#state(false)) {
      if (state === connectivityState.TRANSIENT_FAILURE) throw new Error('nobody listens there')
      if (state === connectivityState.SHUTDOWN) throw new Error('the connection was closed')
      if (Date.now() >= end) throw new Error(`no answer in ${ms} ms`)
      await this.#changed(state, end)
    }
  }

  /** Resolves when the connection, which stands now, is lost or closed. */
  async lost(): Promise<void> {
    while (this.#state(false) === connectivityState.READY)
      await this.#changed(connectivityState.READY, Number.POSITIVE_INFINITY)
  }

  #state(connects: boolean): connectivityState {
    return this.#client.getChannel().getConnectivityState(connects)
  }

  /** Resolves when the connection is in another state, or at this moment. */
  #changed(from: connectivityState, end: number): Promise<void> {
    return new Promise((resolve) => {
      this.#client.getChannel().watchConnectivityState(from, end, () => resolve())
    })
  }

  /** Asks once. @throws EtcdError */
  ask<C extends keyof Calls>(call: C, request: Calls[C][0], ms = patienceMs): Promise<Calls[C][1]> {
    if (this.#isClosed) return Promise.reject(new EtcdError(closed))
    const { path, requestSerialize, responseDeserialize } = methodOf(call)
    const metadata = call.startsWith('KV.') && !isSerializable(request) ? this.#ledOnly : new Metadata()
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        { deadline: Date.now() + ms },
        (error, reply) => (error ? reject(new EtcdError(error)) : resolve(reply as Calls[C][1])),
      )
    })
  }

  close(): void {
    this.#isClosed = true
    this.#client.close()
  }
}

const isSerializable = (request: object) => 'serializable' in request && request.serializable === true
