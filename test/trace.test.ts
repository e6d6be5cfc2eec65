import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import type { Traced } from '../src/contracts.js'
import { SimulatedClient } from '../src/proof/simulation/client.js'
import { SimulatedCluster } from '../src/proof/simulation/cluster.js'
import { runSeed } from '../src/proof/simulation/sweep.js'
import { actsOf, type Fault } from '../src/server/faults.js'
import { Expander } from '../src/trace/expand.js'
import { createTrace, readTrace } from '../src/trace/file.js'
import { fold, type TraceLine } from '../src/trace/fold.js'
import { LiveTrace } from '../src/trace/live.js'
import { mergeTraces } from '../src/trace/merge.js'
import { noPicture, type Picture } from '../src/trace/picture.js'
import { Recording } from '../src/trace/recording.js'
import { TraceText } from '../src/trace/text.js'
import { factsOf, StateWatch } from '../src/trace/watch.js'
import { stages } from '../stages/index.js'
import { size } from './helpers/effort.js'

/** What an operator may do to a cluster of the property: faults by their words, writes, and waiting. */
type Step = Fault | { readonly word: 'write' } | { readonly word: 'wait'; readonly ms: number }

const node = fc.constantFrom('n1', 'n2', 'n3', 'n4', 'n5')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ word: 'write' }) },
  { weight: 4, arbitrary: fc.record({ word: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 900 }) }) },
  fc.record({ word: fc.constantFrom('kill' as const, 'restart' as const), nodes: fc.tuple(node) }),
  fc.record({ word: fc.constantFrom('pause' as const, 'resume' as const, 'split' as const), nodes: fc.tuple(node) }),
  fc.constant<Step>({ word: 'heal' }),
)

/** Compares a folded picture with the nodes themselves. */
function differencesOf(picture: Picture, cluster: SimulatedCluster): unknown[] {
  return cluster.hosts.flatMap<unknown>(({ id, node, condition }) => {
    const view = picture.nodes[id]
    if (view?.condition !== condition) return [{ id, condition, folded: view?.condition }]
    // A paused node has heard what it has not acted on: its turn ends when it goes on.
    // A node that has just begun says what it is at the end of its first turn.
    if (!node || condition === 'paused' || node.status.role === 'starting' || view.role === 'starting') return []
    const facts: Record<string, unknown> = { ...factsOf(node.status) }
    const wrong = Object.keys(facts).filter(
      (name) => facts[name] !== undefined && JSON.stringify(facts[name]) !== JSON.stringify((view as never)[name]),
    )
    const log = new Map(node.entries(1).map(({ index, term }) => [index, term]))
    const other = view.cells.filter(({ index, term }) => log.has(index) && log.get(index) !== term)
    const missing = [...log.keys()].filter(
      (index) => index <= view.written && !view.cells.some((c) => c.index === index),
    )
    return wrong.length + other.length + missing.length > 0 ? [{ id, wrong, other, missing }] : []
  })
}

t.test('the folded state is the live state, whatever happens to the cluster', async (t) => {
  const runs = { numRuns: size(8, 200) }
  const stage = fc.integer({ min: 1, max: stages.length - 1 })
  const property = fc.asyncProperty(
    stage,
    fc.nat(10_000),
    fc.array(step, { maxLength: 14 }),
    async (number, seed, steps) => {
      let picture = noPicture
      const lines: TraceLine[] = []
      const [text, expander] = [new TraceText(), new Expander()]
      let cluster: SimulatedCluster | undefined
      const trace = (event: Traced, node: string) => text.add(event, node || undefined, cluster?.now ?? 0)
      /** Folds what was told meanwhile, as a reader of the file would. */
      const read = () => {
        for (const line of text
          .take()
          .text.split('\n')
          .slice(0, -1)
          .flatMap((one) => expander.expand(JSON.parse(one)))) {
          lines.push(line)
          picture = fold(picture, line)
        }
      }
      cluster = new SimulatedCluster({ stage: stages[number]!, seed, isWatched: true, spare: false, trace })
      await cluster.begin()
      await cluster.founded(5)
      const client = new SimulatedClient(cluster, 'c1')
      for (const one of [...steps, { word: 'wait' as const, ms: 50 }]) {
        if (one.word === 'write') client.call({ command: 'set', key: 'a', value: String(lines.length) }, null, () => {})
        else if (one.word === 'wait') await cluster.pass(one.ms)
        else for (const { perform } of actsOf(cluster, one)) perform()
        await cluster.pass(3)
        read()
        // A turn that has just begun shows in the picture when it has ended, at the same moment.
        const differences = differencesOf(picture, cluster)
        if (differences.length > 0) throw new Error(JSON.stringify({ one, differences }))
      }
      const recording = new Recording()
      for (const line of lines) recording.add(line)
      const place = seed % (lines.length + 1)
      fc.pre(lines.length > 0)
      if (JSON.stringify(recording.at(place)) !== JSON.stringify(lines.slice(0, place).reduce(fold, noPicture)))
        throw new Error(`a keyframe tells another picture of event ${place}`)
    },
  )
  await fc.assert(property, runs)
  t.pass('the two are the same')
})

t.test('a run is the same whether somebody looks on or not', async (t) => {
  for (const number of [2, 6, 10]) {
    const lines: object[] = []
    const [watched, alone] = [
      await runSeed(stages[number]!, 5, 'storm', (event) => lines.push(event)),
      await runSeed(stages[number]!, 5, 'storm'),
    ]
    t.equal(watched.traceHash, alone.traceHash)
    t.ok(lines.some((line) => (line as TraceLine).event === 'state'))
  }
})

t.test('a recording forgets its oldest events, and its pictures stay true', async (t) => {
  const recording = new Recording(noPicture, { events: 512, bytes: Number.POSITIVE_INFINITY })
  for (let at = 0; at < 2_000; at++)
    recording.add({ event: 'state', node: 'n1', at, role: 'leader', leader: 'n1', applied: at })
  t.equal(recording.end, 2_000)
  t.ok(recording.first > 1_000 && recording.first < 1_500)
  t.equal(recording.at(1_700).nodes.n1!.applied, 1_699)
  t.equal(recording.at(0).nodes.n1!.applied, recording.first - 1)
  t.equal(recording.upTo(1_800), 1_801)
  t.equal(recording.now.events, 2_000)
})

t.test('a trace in a file is read as it was written, and a bad one is refused with its line', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'trace-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'run.ndjson')
  const file = createTrace(path)
  await runSeed(stages[6]!, 3, 'calm', file.write, file.room)
  await file.end()
  const lines: TraceLine[] = []
  for await (const line of readTrace(path)) lines.push(line)
  t.match(lines[0], { event: 'trace', format: 2, stage: 6 })
  const picture = lines.reduce(fold, noPicture)
  t.equal(Object.values(picture.nodes).filter(({ role }) => role === 'leader').length, 1)
  const all = async (text: string) => {
    writeFileSync(path, text)
    for await (const _ of readTrace(path));
  }
  const header = '{"event":"trace","at":0,"format":1,"nodes":[]}\n'
  await t.rejects(all(`${header}{"event":"sen`), { message: /line 2, is no line of a trace/ })
  await t.rejects(all(header.replace('1', '99')), { message: /has the trace format 99/ })
  await t.rejects(all('{"event":"send","at":0}\n'), { message: /does not begin as a trace does/ })
  await t.rejects(all(''), { message: /is empty/ })
  await t.rejects(
    async () => {
      for await (const _ of readTrace(join(folder, 'none')));
    },
    { message: /cannot read the trace/ },
  )
  t.throws(() => createTrace(join(folder, 'none', 'file')), { message: /cannot write the trace/ })
})

t.test('a trace of each format that ever was tells the same picture', async (t) => {
  const pictures: Picture[] = []
  for (const format of [1, 2]) {
    let picture = noPicture
    const path = fileURLToPath(new URL(`../../test/traces/format-${format}.ndjson`, import.meta.url))
    for await (const line of readTrace(path)) {
      if (line.event === 'trace') t.equal(line.format, format)
      picture = fold(picture, line)
    }
    pictures.push(picture)
  }
  const [first, second] = pictures as [Picture, Picture]
  t.ok(Object.values(first.nodes).some(({ cells }) => cells.length > 0))
  t.ok(first.events > 200)
  t.same(second, first)
})

t.test('what stands for steps that cannot be is no line of a trace', async (t) => {
  const bad = [
    '"event":"apply","from":1,"to":1e15',
    '"event":"apply","from":5,"to":"x"',
    '"event":"answer","requests":7',
    '"event":"write","records":{}',
    '"event":"write","records":[{"record":"entries","index":1,"term":1}]',
    '"event":"send","message":{"entries":[[1,1e9,1]]}',
  ]
  for (const body of bad)
    t.throws(() => new Expander().expand(JSON.parse(`{${body},"at":0}`)), { message: /stand for no steps/ }, body)
  t.same(new Expander().expand({ event: 'changed', node: 'n1', at: 0, applied: 1 }), [], 'of what, nobody has told')
})

t.test('after lines were lost, a state is told whole', async (t) => {
  const text = new TraceText()
  const states = [1, 2, 3].map((applied) => {
    text.add({ event: 'state', role: 'leader', leader: 'n1', applied }, 'n1', 0)
    if (applied === 2) text.lost()
    return JSON.parse(text.take().text)
  })
  t.same(states, [
    { event: 'state', role: 'leader', leader: 'n1', applied: 1, node: 'n1', at: 0 },
    { event: 'changed', applied: 2, node: 'n1', at: 0 },
    { event: 'state', role: 'leader', leader: 'n1', applied: 3, node: 'n1', at: 0 },
  ])
})

t.test('merged traces keep the order of each node, and no message is received before it is sent', async (t) => {
  const lines: TraceLine[] = []
  await runSeed(stages[8]!, 4, 'calm', (event) => lines.push({ ...event, at: Math.floor(event.at / 20) } as TraceLine))
  const header = { event: 'trace', format: 1, stage: 8, tickMs: 10, at: 0 }
  const ofNodes = ['n1', 'n2', 'n3', 'n4', 'n5'].map((id) => ({ id, own: lines.filter(({ node }) => node === id) }))
  const traces = ofNodes.map(async function* ({ id, own }) {
    yield { ...header, nodes: [id] } as TraceLine
    yield* own
  })
  const merged: TraceLine[] = []
  for await (const line of mergeTraces(traces)) merged.push(line)
  t.match(merged.shift(), { event: 'trace', nodes: ['n1', 'n2', 'n3', 'n4', 'n5'] })
  for (const { id, own } of ofNodes)
    t.same(
      merged.filter(({ node }) => node === id),
      own,
      id,
    )
  const sent = new Set<string>()
  const early = merged.filter((line) => {
    const { from, to, type, term, sequence } = (line.message ?? {}) as Record<string, unknown>
    const message = JSON.stringify([from, to, type, term, sequence])
    if (line.event === 'send') sent.add(message)
    return line.event === 'receive' && ofNodes.some(({ id }) => id === from) && !sent.has(message)
  })
  t.same(early.slice(0, 1), [])
})

t.test('a live view is a sample that counts what it leaves out', async (t) => {
  const told: TraceLine[] = []
  let endSlot = () => {}
  const after = (_ms: number, task: () => void) => {
    endSlot = task
    return () => {}
  }
  const live = new LiveTrace({ after }, (event) => told.push(event as never))
  const send = { event: 'send', message: { type: 'Hello', from: 'n1', to: 'n2' } } as const
  for (let count = 0; count < 100; count++) live.tell(send)
  live.tell({ event: 'request', request: 1, command: { command: 'ping' } })
  const sentNow = told.filter(({ event }) => event === 'send').length
  t.ok(sentNow > 0 && sentNow < 100)
  endSlot()
  const left = told.find(({ event }) => event === 'not_drawn')
  t.equal((left?.messages as number) + sentNow, 100)
  t.notOk(told.some(({ event }) => event === 'request'))
})

t.test('of states, the first and the last of a slot are told; of writes so many', async (t) => {
  const told: TraceLine[] = []
  const tasks: (() => void)[] = []
  const clock = {
    after(_ms: number, task: () => void) {
      tasks.push(task)
      return () => {}
    },
  }
  const live = new LiveTrace(clock, (event) => told.push(event as never))
  let applied = 0
  const states = new StateWatch(live, clock, () => ({ role: 'leader', leader: 'n1', applied }) as never)
  for (; applied < 50; applied++) states.turned()
  for (const task of tasks.splice(0)) task()
  t.same(
    told.map(({ applied }) => applied),
    [0, 50],
  )
  const entry = { record: 'entry' } as never
  const written = Array.from({ length: 20 }, () => live.choose([entry]).length)
  t.ok(written.includes(0) && written[0] === 1)
  t.equal(live.choose([{ record: 'truncate', from: 1 }]).length, 1, 'never left out')
})
