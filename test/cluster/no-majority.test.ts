import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { Raw, RunningCluster } from '../helpers/running.js'

const mib = 1024 * 1024
/** What a leader may take of memory at most while it has no majority and is sent as much as it can read. */
const mostMemory = 768 * mib
const statusOf = (pid: number) => `/proc/${pid}/status`

/** What a process has in memory, in bytes, at this moment. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(statusOf(pid), 'utf8'))![1]) * 1024
}

const skip = existsSync(statusOf(process.pid)) ? false : 'this system does not say how much memory a process has'

t.test(
  'a leader without a majority refuses what it has no room for, and serves when it has one',
  { skip },
  async (t) => {
    const cluster = await new RunningCluster(t, 4).ready()
    for (const id of ['n3', 'n4', 'n5']) await cluster.say(`pause ${id}`)
    const { client, pid } = cluster.node('n1')
    const value = 'x'.repeat(mib - 1)
    let [most, refused] = [0, 0]
    for (let round = 0; round < 5; round++) {
      const raw = new Raw(t, client)
      for (let id = 0; id < 16; id++)
        raw.socket.write(`${JSON.stringify({ id, command: 'set', key: `k${id}`, value })}\n`)
      const answers = (await raw.answers(16)) as { ok: boolean; error?: { code: string; definite: boolean } }[]
      t.ok(answers.every(({ ok }) => !ok))
      refused += answers.filter(({ error }) => error?.code === 'overloaded' && error.definite).length
      most = Math.max(most, memoryOf(pid))
      raw.socket.destroy()
    }
    t.ok(refused >= 32, `${refused} of 80 were refused`)
    t.ok(most < mostMemory, `${Math.round(most / mib)} MiB at most`)
    for (const id of ['n3', 'n4', 'n5']) await cluster.say(`resume ${id}`)
    const raw = new Raw(t, client)
    for (let id = 0, served = false; !served; id++) {
      raw.socket.write(`${JSON.stringify({ id, command: 'get', key: 'k1' })}\n`)
      const answers = (await raw.answers(id + 1)) as { ok: boolean }[]
      served = answers.at(-1)!.ok
    }
    t.pass('with its majority back, it serves')
  },
)
