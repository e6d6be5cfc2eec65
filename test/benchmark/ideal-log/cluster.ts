import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { firstMessage, startScript, stopChild } from '../children.js'
import { dataFolder, removeFolder } from '../data-folder.js'
import type { Server } from '../servers.js'
import type { IdealNode } from './main.js'

/** Starts the ideal replicated log: the followers first, so that the leader can be told their ports. */
export async function startIdealLog(nodes: number): Promise<Server> {
  const folder = dataFolder()
  const children: ChildProcess[] = []
  const start = (followers: readonly number[] | null) => {
    const path = join(folder, `n${children.length + 1}.log`)
    const child = startScript('ideal-log/main', JSON.stringify({ path, followers } satisfies IdealNode))
    children.push(child)
    return firstMessage<number>(child, 'ideal log')
  }
  const stop = async () => {
    await Promise.all(children.map(stopChild))
    removeFolder(folder)
  }
  try {
    const followers = await Promise.all(Array.from({ length: nodes - 1 }, () => start(null)))
    const port = await start(followers)
    return { address: `127.0.0.1:${port}`, protocol: 'json', pids: children.map(({ pid }) => pid!), stop }
  } catch (error) {
    await stop()
    throw error
  }
}
