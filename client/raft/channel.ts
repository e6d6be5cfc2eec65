import type { ReadableStream, WritableStream } from 'node:stream/web'
import type { RaftErrorCode } from './errors.js'
import type { Committed } from './machine.js'

/** A program's own name for a request; the response bears it. */
export type RequestName = string | number

/** A request of a program to its node. */
export type ChannelRequest<C> =
  | {
      readonly id: RequestName
      /** Asks for the commands that are committed, from one index to another, both included. */
      readonly type: 'IndexRange'
      readonly startIndex: number
      readonly endIndex: number
    }
  | {
      readonly id: RequestName
      /** Appends commands to the log, all of them or none. */
      readonly type: 'AppendEntries'
      /**
       * The guard: the last place in the log that the program knows. With a command behind it, the request is rejected. It
       * is left out where any place will do.
       */
      readonly prevLogIndex?: number
      readonly prevLogTerm?: number
      readonly entries: readonly C[]
      /** Milliseconds after which the response is `Unknown`; 10,000 if it is left out. */
      readonly deadlineMs?: number
    }

/** A response of the node. */
export type ChannelResponse<C> =
  | {
      /** The request's name; null for what another program has appended. */
      readonly id: RequestName | null
      readonly type: 'Accepted'
      readonly entries: readonly Committed<C>[]
      /** The place up to which this response tells the log: the guard of the next request. */
      readonly lastIndex: number
      readonly lastTerm: number
    }
  | {
      readonly id: RequestName | null
      /** Nothing was done, now or later. Without a name: commands were missed, because only a snapshot holds them. */
      readonly type: 'Rejected'
      readonly reason: string
      readonly code: RaftErrorCode
      readonly leader?: string
      /** The end of the leader's log, where the guard has failed. */
      readonly last?: { readonly index: number; readonly term: number }
    }
  | {
      readonly id: RequestName
      /** The entries may be in the log, now or later. If they come, they are `Accepted` under the same name. */
      readonly type: 'Unknown'
      readonly reason: string
      readonly code: RaftErrorCode
    }

/** The two ends of a channel. Each has back-pressure: a program that reads no responses cannot write on for ever. */
export interface Channel<C> {
  /** Closing it ends the channel: what is under way is answered first. */
  readonly requests: WritableStream<ChannelRequest<C>>
  /** The stream is closed when the node is, and fails if the node has failed. */
  readonly responses: ReadableStream<ChannelResponse<C>>
}
