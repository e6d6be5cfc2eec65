import { type Channel, channel } from 'node:diagnostics_channel'
import type { LogStore, Message, Network, Persist } from '../../src/contracts.js'
import type { StateMachine } from './machine.js'
import type { NodeStatus } from './status.js'

/** The facts that each channel of `node:diagnostics_channel` is given; a channel's name has `raft-roadmap:` before it. */
export interface Diagnostics {
  /** A message leaves this node. */
  send: { readonly node: string; readonly message: Message }
  /** A batch is durable: so many records, up to this entry. */
  write: { readonly node: string; readonly records: number; readonly upTo: number; readonly ms: number }
  /** The state machine has performed commands, from this entry to that one. */
  apply: {
    readonly node: string
    readonly commands: number
    readonly from: number
    readonly upTo: number
    readonly ms: number
  }
  /** The status has changed. */
  state: { readonly node: string; readonly status: NodeStatus }
}

const send = channel('raft-roadmap:send')
const write = channel('raft-roadmap:write')
const apply = channel('raft-roadmap:apply')
const state = channel('raft-roadmap:state')

function publish<N extends keyof Diagnostics>(to: Channel, facts: Diagnostics[N]): void {
  to.publish(facts)
}

/** Publishes the status, if somebody listens. */
export function publishState(node: string, status: () => NodeStatus): void {
  if (state.hasSubscribers) publish<'state'>(state, { node, status: status() })
}

/** Wraps a network: what is sent is published. */
export function publishingSends(node: string, network: Network): Network {
  return {
    start: (receive, meet) => network.start(receive, meet),
    setIdentity: (identity) => network.setIdentity(identity),
    setPeers: (peers) => network.setPeers(peers),
    stop: () => network.stop(),
    send(message) {
      if (send.hasSubscribers) publish<'send'>(send, { node, message })
      network.send(message)
    },
  }
}

/** Wraps a log: what is written is published when it is durable. */
export function publishingWrites(node: string, log: LogStore): LogStore {
  const timed = async (batch: Persist) => {
    const before = performance.now()
    await log.write(batch)
    const { records, upTo } = batch
    publish<'write'>(write, { node, records: records.length, upTo: upTo.index, ms: performance.now() - before })
  }
  return {
    open: () => log.open(),
    close: () => log.close(),
    get snapshots() {
      return log.snapshots
    },
    write: (batch) => (write.hasSubscribers ? timed(batch) : log.write(batch)),
  }
}

/** Wraps a state machine: what is performed is published. */
export function publishingApplies<C, R, Q, A>(
  node: string,
  machine: StateMachine<C, R, Q, A>,
): StateMachine<C, R, Q, A> {
  const { query } = machine
  return {
    ...(query && { query: (asked: Q) => query.call(machine, asked) }),
    snapshot: () => machine.snapshot(),
    restore: (text) => machine.restore(text),
    async apply(batch) {
      if (!apply.hasSubscribers) return machine.apply(batch)
      const before = performance.now()
      const results = await machine.apply(batch)
      const [from, upTo] = [batch[0]?.index ?? 0, batch.at(-1)?.index ?? 0]
      publish<'apply'>(apply, { node, commands: batch.length, from, upTo, ms: performance.now() - before })
      return results
    },
  }
}
