import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { CallError, Client } from '../../client/client.js'
import { type Answer, type Command, limits } from '../../src/contracts.js'
import { networkNames } from '../../src/stage.js'
import { root } from '../docs.js'
import { size } from '../helpers/effort.js'
import { cli, Raw, RunningCluster } from '../helpers/running.js'

const line = (request: object) => `${JSON.stringify(request)}\n`

for (const network of size(['grpc'] as const, networkNames)) {
  t.test(
    `stage 2 over ${network}: writes reach the followers, cut links lose them, and who returns is found again`,
    async (t) => {
      const cluster = await new RunningCluster(t, 2, ['--nodes', '3', '--network', network]).ready()
      const leader = new Raw(t, cluster.node('n1').client)
      const ask = async (request: object) => {
        leader.forget()
        leader.socket.write(line(request))
        return (await leader.answers(1))[0]
      }
      /** What a follower has, looked at until it has it: it may be the last to hear of a write. */
      const until = async (id: string, key: string, value: string) => {
        const follower = new Raw(t, cluster.node(id).client)
        for (;;) {
          follower.forget()
          follower.socket.write(line({ command: 'get', key }))
          const [answer] = (await follower.answers(1)) as { value: string }[]
          if (answer!.value === value) return
        }
      }
      t.match(await ask({ command: 'info' }), { info: { network } })
      for (const value of ['', '0', 'x'.repeat(100_000)]) {
        t.same(await ask({ command: 'set', key: 'k', value }), { ok: true })
        await until('n2', 'k', value)
        await until('n3', 'k', value)
      }
      t.same(await ask({ command: 'cas', key: 'absent', expected: null, value: '1' }), { ok: true })
      await until('n3', 'absent', '1')
      await cluster.say('cut n1 > n2')
      t.same(await ask({ command: 'set', key: 'cut', value: '1' }), { ok: true })
      await until('n3', 'cut', '1')
      await cluster.say('cut n1 > n3')
      t.match(await ask({ command: 'set', key: 'cut', value: '2' }), { error: { code: 'timeout', definite: false } })
      await cluster.say('heal')
      await cluster.say('kill n2')
      t.same(await ask({ command: 'set', key: 'k', value: 'without n2' }), { ok: true })
      t.match(await cluster.say('restart n2'), { event: 'restarted' })
      t.same(await ask({ command: 'set', key: 'k', value: 'with n2' }), { ok: true })
      await until('n2', 'k', 'with n2')
    },
  )
}

/** Asks again and again: on a busy machine the longest entry may take longer than a node lets its client wait. */
async function insist(client: Client, command: Command): Promise<Answer & { ok: true }> {
  let asked = await client.call(command)
  for (let times = 1; times < 20 && asked.outcome !== 'done'; times++) asked = await client.call(command)
  if (asked.outcome !== 'done') throw new CallError(asked)
  return asked.answer
}

for (const network of size(['tcp'] as const, networkNames)) {
  t.test(
    `stage 6 over ${network}: the longest entry reaches a follower that was away, and survives its leader`,
    async (t) => {
      const cluster = await new RunningCluster(t, 6, ['--nodes', '3', '--network', network]).ready()
      const client = new Client({ addresses: cluster.addresses() })
      t.teardown(() => client.close())
      const { node: leader } = await cluster.event(({ event }) => event === 'elected')
      const away = cluster.nodes.find(({ id }) => id !== leader)!.id
      await cluster.say(`kill ${away}`)
      // Six bytes of JSON to each character.
      const value = '\u0001'.repeat(limits.valueBytes)
      await insist(client, { command: 'set', key: 'k', value })
      t.ok((await insist(client, { command: 'get', key: 'k' })).value === value, 'the leader has it')
      await cluster.say(`restart ${away}`)
      await cluster.say(`kill ${leader}`)
      t.ok((await insist(client, { command: 'get', key: 'k' })).value === value, 'the other two have it')
    },
  )
}

t.test('R1: what netcat is told at stage 3 is what it is told at stage 2, to the letter', async (t) => {
  const requests = [
    { command: 'set', key: 'a', value: '1' },
    { id: 7, command: 'get', key: 'a' },
    { command: 'cas', key: 'a', expected: null, value: '' },
    { command: 'append', key: 'a', value: '' },
    { command: 'delete', key: 'b' },
    { command: 'scan', limit: 1 },
    { command: 'fly' },
    { command: 'get' },
    { command: 'ping' },
  ]
  const told = async (stage: number) => {
    const cluster = await new RunningCluster(t, stage, ['--nodes', '3']).ready()
    const raw = new Raw(t, cluster.node('n1').client)
    raw.socket.write(requests.map(line).join(''))
    await raw.answers(requests.length)
    await cluster.stop()
    return raw.received.toString()
  }
  t.equal(await told(3), await told(2))
})

t.test('R1: every scenario goes at stage 3 as at stage 2, word for word', async (t) => {
  const folder = `${root}test/transcripts/`
  const names = readdirSync(folder).filter((name) => name.endsWith('-stage-2.txt'))
  t.ok(names.length > 10)
  for (const name of names) {
    const before = readFileSync(folder + name, 'utf8').replace('stage 2', 'stage 3')
    t.equal(readFileSync(folder + name.replace('-2.txt', '-3.txt'), 'utf8'), before, name)
  }
})

t.test('a network that there is not', async (t) => {
  t.match(await cli(['run', '2', '--network', 'pigeon']), { code: 2, stderr: /Choices: "tcp", "grpc", "udp"/ })
})
