/** Wrong uses of the library: each is refused with words, and loses nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { type Codec, createNode, jsonCodec, RaftError } from '../../client/raft/index.js'
import { root } from '../docs.js'
import { type Counter, counting, followersOf, leaderOf, peersOf, type Step, settingsOf } from './nodes.js'

const patient = { deadlineMs: 60_000 }

t.test('two nodes on one folder: the second is refused, and the first goes on', async (t) => {
  t.testdir({})
  const [one, other] = [await peersOf(1), await peersOf(1)]
  const first = await createNode({ ...settingsOf(one, 0), dataDir: t.testdirName })
  t.teardown(() => first.close())
  await first.propose({ add: 1 }, patient)
  for (const logStore of ['file', 'level'] as const)
    await t.rejects(createNode({ ...settingsOf(other, 0), dataDir: t.testdirName, logStore }), Error, logStore)
  t.match(await first.propose({ add: 1 }, patient), { result: 2 })
  await first.close()
  await t.rejects(
    createNode({ ...settingsOf(other, 0), cluster: 'another', dataDir: t.testdirName }),
    { message: /counting/ },
    'the folder is another cluster’s',
  )
  await using again = await createNode({ ...settingsOf(one, 0), dataDir: t.testdirName })
  t.match(await again.read('total', patient), { answer: 2 })
})

t.test('names that differ only in case are refused', async (t) => {
  const [one, other] = await peersOf(2)
  const bootstrap = [
    { id: 'n1', peer: one!.peer },
    { id: 'N1', peer: other!.peer },
  ]
  await t.rejects(createNode({ ...settingsOf([one!], 0), bootstrap }), {
    name: 'ConfigError',
    message: 'bootstrap[1] has the name or the address of bootstrap[0]: n1 and N1 differ only in case',
  })
})

t.test('after close, everything that is asked is refused', async (t) => {
  const [node] = (await counting(t, await peersOf(1))) as [Counter]
  const session = await node.session(patient)
  await node.close()
  const asked: (() => Promise<unknown>)[] = [
    () => node.propose({ add: 1 }),
    () => node.read('total'),
    () => node.session(),
    () => node.snapshot(),
    () => node.members(),
    () => node.removeMember('n1'),
    () => node.transferLeadership(),
    () => node.untilLeader().then(() => node.propose({ add: 1 })),
    () => session.propose({ add: 1 }),
  ]
  for (const ask of asked) await t.rejects(ask() as Promise<void>, { code: 'closed', outcome: 'refused' }, String(ask))
  t.match(await node.tryPropose({ add: 1 }), { outcome: 'refused' })
})

/** A codec that throws when it is told to. */
const moody = (): Codec<Step> & { mood: 'good' | 'bad at writing' | 'bad at reading' } => ({
  ...jsonCodec<Step>(),
  mood: 'good',
  encode(step) {
    if (this.mood === 'bad at writing') throw new Error('no pen')
    return step
  },
  decode(encoded) {
    if (this.mood === 'bad at reading') throw new Error('no glasses')
    return encoded as Step
  },
})

t.test('a codec that throws when it is asked refuses the command, and nothing was done', async (t) => {
  const codec = moody()
  const [node] = (await counting(t, await peersOf(1), { codec })) as [Counter]
  for (const [mood, message] of [
    ['bad at writing', 'the codec refuses the command: no pen'],
    ['bad at reading', 'the codec refuses the command: no glasses'],
  ] as const) {
    codec.mood = mood
    t.match(await node.tryPropose({ add: 1 }), { outcome: 'refused', error: { code: 'bad_command', message } })
  }
  codec.mood = 'good'
  t.match(await node.propose({ add: 1 }, patient), { result: 1 })
  const strange: Codec<Step> = {
    ...codec,
    encode() {
      throw 'a text'
    },
  }
  const [other] = (await counting(t, await peersOf(1), { codec: strange })) as [Counter]
  t.match(await other.tryPropose({ add: 1 }), { outcome: 'refused', error: { message: /a text/ } })
})

t.test('a codec that cannot read the log stops its node, and no other', async (t) => {
  const codec = moody()
  const peers = await peersOf(3)
  const nodes = await Promise.all(
    peers.map((_, at) => createNode({ ...settingsOf(peers, at), ...(at === 2 && { codec }) })),
  )
  t.teardown(() => Promise.all(nodes.map((node) => node.close({ drainMs: 0 }).catch(() => {}))))
  for (const node of nodes) {
    await node.untilLeader({ deadlineMs: 30_000 })
    while (node.status.voters.length < 3) await new Promise((resolve) => void node.once('members', resolve))
  }
  codec.mood = 'bad at reading'
  t.match(await nodes[0]!.tryPropose({ add: 1 }, patient), {})
  await t.rejects(nodes[2]!.closed, { message: 'no glasses' })
  const session = await nodes[0]!.session(patient)
  t.match(await session.tryPropose({ add: 1 }, patient), { outcome: 'done' })
})

t.test('a signal, at each moment: the call ends, its outcome is true, and the node goes on', async (t) => {
  const nodes = await counting(t, await peersOf(2))
  const [leader, follower] = [leaderOf(nodes), followersOf(nodes)[0] as Counter]
  let sum = 0
  let unknown = 0
  for (let turns = 0; turns < 40; turns++) {
    const controller = new AbortController()
    const { signal } = controller
    if (turns === 0) controller.abort()
    const node = turns % 2 === 0 ? leader : follower
    const session = await node.session(patient)
    const calls = [
      node.tryPropose({ add: 1 }, { ...patient, signal }),
      session.tryPropose({ add: 1 }, { ...patient, signal }),
    ]
    const reading = node.read('total', { ...patient, signal }).catch((error: RaftError) => error)
    for (let turn = 1; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    for (const outcome of await Promise.all(calls)) {
      if (outcome.outcome === 'done') sum++
      if (outcome.outcome === 'unknown') unknown++
      if (turns === 0) t.match(outcome, { outcome: 'refused', error: { code: 'aborted' } })
    }
    const read = await reading
    t.ok(!(read instanceof RaftError) || read.code === 'left' || read.code === 'aborted', `after ${turns} turns`)
  }
  const { answer } = await follower.read('total', patient)
  t.ok(answer >= sum && answer <= sum + unknown, `${answer}: ${sum} were done, ${unknown} are unknown`)
  t.ok(unknown > 0)
})

t.test('a process ends by itself when its node is closed, and says nothing', async (t) => {
  const { peer } = (await peersOf(1))[0]!
  const library = pathToFileURL(join(root, 'dist/client/raft/index.js')).href
  const program = `
    import { createNode, reducer } from ${JSON.stringify(library)}
    const machine = reducer({ initial: 0, apply: (n, add) => ({ state: n + add, result: n + add }), query: (n) => n })
    const self = { id: 'n1', peer: ${JSON.stringify(peer)} }
    for (const network of ['tcp', 'udp', 'grpc']) {
      const node = await createNode({ ...self, cluster: 'c', bootstrap: [self], dataDir: 'data-' + network, machine, network })
      const session = await node.session({ deadlineMs: 60000 })
      const { requests, responses } = node.channel()
      const writer = requests.getWriter()
      await writer.write({ id: 1, type: 'AppendEntries', entries: [1] })
      const first = await responses.getReader().read()
      if (first.value.type !== 'Accepted') throw new Error(JSON.stringify(first))
      await session.propose(1, { deadlineMs: 60000 })
      node.read(0).catch(() => {})
      node.propose(5).catch(() => {})
      await node.close()
    }
    const forgotten = new AbortController()
    await createNode({ ...self, cluster: 'c', bootstrap: [self], dataDir: null, machine, signal: forgotten.signal })
    forgotten.abort()
  `
  const folder = t.testdir({})
  writeFileSync(join(folder, 'program.mjs'), program)
  const child = spawn(process.execPath, ['program.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  child.stderr.on('data', (text) => {
    said += text
  })
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  t.same([code, signal, said], [0, null, ''])
})
