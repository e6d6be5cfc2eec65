/** The connection to one node of etcd: its calls, as its interface has them, each asked once. */
import { fileURLToPath } from 'node:url'
import { Client, connectivityState, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { loadSync, type MethodDefinition, type PackageDefinition, type ServiceDefinition } from '@grpc/proto-loader'
import { diallingOf, type EtcdAccess, obstacleIn } from './access.js'

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
  readonly 'Auth.Authenticate': [{ readonly name: string; readonly password: string }, { readonly token: string }]
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
  /** True if no connection can be made as we ask for it: the message is a sentence that says why. */
  readonly isClosedToUs: boolean
  /** True if asking again will find the same. */
  readonly stays: boolean

  constructor({ code, details }: Pick<ServiceError, 'code' | 'details'>, access: EtcdAccess = {}) {
    const isAnswer = details.startsWith('etcdserver: ') || !ofConnection.has(code)
    const obstacle = isAnswer ? null : obstacleIn(details, access)
    super(obstacle?.sentence ?? details)
    this.code = code
    this.isAnswer = isAnswer
    this.isClosedToUs = obstacle !== null
    this.stays = obstacle?.stays ?? false
  }
}

/** Codes that gRPC itself gives a call whose connection broke, or was never made. */
const ofConnection: ReadonlySet<status> = new Set([status.UNAVAILABLE, status.CANCELLED, status.INTERNAL])

/** The error of a call on a connection that this side has closed. */
const closed = { code: status.CANCELLED, details: 'the connection was closed' }

/** Milliseconds after which a call is forgotten: etcd itself gives up after seven seconds. */
const patienceMs = 30_000

/** Milliseconds in which a connection that is none says why. */
const answerMs = 1_000

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
  readonly #access: EtcdAccess
  #isClosed = false
  /** The token that etcd has given the user; null if it asks for none. */
  #token: Promise<string | null> | undefined

  /**
   * @param address `host:port`
   * @throws ConfigError if a certificate cannot be used
   */
  constructor(address: string, access: EtcdAccess = {}) {
    const dialling = diallingOf(address, access)
    this.#access = access
    this.#client = new Client(address, dialling.credentials, { ...channelOptions, ...dialling.options })
  }

  /** Makes a connection to another node, with the same right. */
  beside(address: string): EtcdApi {
    return new EtcdApi(address, this.#access)
  }

  /** Connects. @throws Error if no connection stands after some milliseconds, or none can be made */
  async connect(ms: number): Promise<void> {
    const end = Date.now() + ms
    for (let state = this.#state(true); state !== connectivityState.READY; state = this.#state(false)) {
      if (state === connectivityState.TRANSIENT_FAILURE) throw await this.#whyNot()
      if (state === connectivityState.SHUTDOWN) throw new Error('the connection was closed')
      if (Date.now() >= end) throw new Error(`no answer in ${ms} ms`)
      await this.#changed(state, end)
    }
  }

  /** The reason for which no connection could be made: a call that is not sent tells it. */
  async #whyNot(): Promise<Error> {
    const error = await this.#once('Maintenance.Status', {}, new Metadata(), answerMs).catch((error) => error)
    return error instanceof EtcdError && error.isClosedToUs ? error : new Error('nobody listens there')
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

  /** Asks once; once more if etcd has refused it for a token that it has forgotten. @throws EtcdError */
  async ask<C extends keyof Calls>(call: C, request: Calls[C][0], ms = patienceMs): Promise<Calls[C][1]> {
    const token = await this.#authenticated()
    try {
      return await this.#once(call, request, metadataOf(call, request, token), ms)
    } catch (error) {
      if (token === null || !(error instanceof EtcdError && isOutdated(error))) throw error
      this.#token = undefined
      return this.#once(call, request, metadataOf(call, request, await this.#authenticated()), ms)
    }
  }

  /** Gives the token of the user; null for nobody, and where etcd asks for no users. @throws EtcdError if it knows them not */
  async #authenticated(): Promise<string | null> {
    const { user } = this.#access
    if (!user) return null
    this.#token ??= this.#once('Auth.Authenticate', user, new Metadata(), patienceMs).then(
      ({ token }) => token,
      (error: EtcdError) => {
        if (error.message.startsWith('etcdserver: authentication is not enabled')) return null
        this.#token = undefined
        throw error
      },
    )
    return this.#token
  }

  #once<C extends keyof Calls>(call: C, request: Calls[C][0], metadata: Metadata, ms: number): Promise<Calls[C][1]> {
    if (this.#isClosed) return Promise.reject(new EtcdError(closed))
    const { path, requestSerialize, responseDeserialize } = methodOf(call)
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        { deadline: Date.now() + ms },
        (error, reply) => (error ? reject(new EtcdError(error, this.#access)) : resolve(reply as Calls[C][1])),
      )
    })
  }

  close(): void {
    this.#isClosed = true
    this.#client.close()
  }
}

/** Refusals of a token that etcd gave once: it has been idle for too long, or users have changed since. Nothing was done. */
const outdated = ['etcdserver: invalid auth token', 'etcdserver: revision of auth store is old']
const isOutdated = ({ message }: EtcdError) => outdated.some((text) => message.startsWith(text))

function metadataOf(call: keyof Calls, request: object, token: string | null): Metadata {
  const metadata = new Metadata()
  // A node that knows no leader refuses a call of the store at once then, and has done nothing.
  if (call.startsWith('KV.') && !isSerializable(request)) metadata.set('hasleader', 'true')
  if (token !== null) metadata.set('token', token)
  return metadata
}

const isSerializable = (request: object) => 'serializable' in request && request.serializable === true
