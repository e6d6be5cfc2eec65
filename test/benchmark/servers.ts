import { firstMessage, startScript, stopChild } from './children.js'
import type { EchoReply } from './echo.js'
import type { ProtocolName } from './protocols.js'

/** Something to send load to. */
export interface Server {
  /** Where the load goes, `host:port`. */
  readonly address: string
  /** All nodes; left out where {@link address} is asked for everything. */
  readonly addresses?: readonly string[]
  /** What it speaks to its clients. */
  readonly protocol: ProtocolName
  /** All processes that do its work. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

/** @throws BenchmarkError if it does not start */
export async function startEcho(reply: EchoReply): Promise<Server> {
  const child = startScript('echo', reply)
  const port = await firstMessage<number>(child, 'echo server')
  return { address: `127.0.0.1:${port}`, protocol: 'json', pids: [child.pid!], stop: () => stopChild(child) }
}
