import t from 'tap'
import {
  goesAlong,
  lane,
  linkAt,
  nodeAt,
  nodeRadius,
  nodesInside,
  placesOf,
  size,
  toDrawing,
} from '../client/dashboard/geometry.js'
import { cellState, describeCall, describeMoment, describeNode, leaderOf } from '../client/dashboard/words.js'
import { sayAsScript } from '../client/ui/script.js'
import { parseScenario } from '../src/proof/scenario/notation.js'
import { playVirtually } from '../src/proof/scenario/virtual.js'
import { fold, type TraceLine } from '../src/trace/fold.js'
import { type NodeView, noPicture } from '../src/trace/picture.js'
import { stages } from '../stages/index.js'

const five = ['n1', 'n2', 'n3', 'n4', 'n5']
const places = placesOf(five)

t.test('a pointer finds the node or the link that it means', async (t) => {
  for (const [id, place] of places) t.equal(nodeAt(places, place), id)
  t.equal(nodeAt(places, { x: size / 2, y: size / 2 }), null)
  const [n1, n3] = [places.get('n1')!, places.get('n3')!]
  const near = (part: number) => ({ x: n1.x + (n3.x - n1.x) * part + 3, y: n1.y + (n3.y - n1.y) * part })
  t.same(linkAt(places, near(0.3)), ['n1', 'n3'], 'the nearer end comes first')
  t.same(linkAt(places, near(0.72)), ['n3', 'n1'])
  t.equal(linkAt(places, { x: 5, y: 5 }), null)
  t.ok(goesAlong(n1, n3, [near(0.3), near(0.6)]))
  t.notOk(goesAlong(n1, n3, [near(0.6), near(0.3)]))
})

t.test('a loop holds the nodes that it goes around', async (t) => {
  const around = (id: string, by: number) => {
    const { x, y } = places.get(id)!
    return [
      { x: x - by, y: y - by },
      { x: x + by, y: y - by },
      { x: x + by, y: y + by },
      { x: x - by, y: y + by },
    ]
  }
  t.same(nodesInside(places, around('n2', nodeRadius)), ['n2'])
  t.same(nodesInside(places, [...around('n2', 10).slice(0, 1)]), [], 'a point is no loop')
  const all = [
    { x: 0, y: 0 },
    { x: size, y: 0 },
    { x: size, y: size },
    { x: 0, y: size },
  ]
  t.same(nodesInside(places, all), five)
  t.same(placesOf(['n1']).get('n1'), { x: size / 2, y: size / 2 })
})

t.test('a pointer is where the drawing is, also in a box that is no square', async (t) => {
  const box = { left: 10, top: 20, width: 800, height: 400 }
  t.same(toDrawing(box, { clientX: 10 + 200, clientY: 20 }), { x: 0, y: 0 })
  t.same(toDrawing(box, { clientX: 10 + 600, clientY: 420 }), { x: size, y: size })
  const [a, b] = lane({ x: 0, y: 0 }, { x: 100, y: 0 }, 10, 5)
  t.same(
    [a, b],
    [
      { x: 10, y: 5 },
      { x: 90, y: 5 },
    ],
  )
})

const node: NodeView = {
  ...{ id: 'n1', condition: 'up', role: 'leader', leader: 'n1', term: 3, votedFor: 'n1' },
  ...{ edge: 2, last: 8, written: 7, onDisk: 6, commit: 5, applied: 4, cells: [], heardAt: 0 },
}

t.test('an entry is told by how safe it is', async (t) => {
  const states = [2, 4, 5, 6, 7, 8, 9].map((index) => cellState(node, index))
  t.same(states, ['compacted', 'applied', 'committed', 'durable', 'memory', 'memory', 'absent'])
  t.equal(describeNode(node), 'n1, leader, term 3, voted for n1, log up to 8, committed 5')
  t.equal(describeNode({ ...node, condition: 'dead' }), 'n1 is dead')
  const older = { ...node, id: 'n2', term: 2 }
  t.equal(leaderOf({ ...noPicture, nodes: { n2: older, n1: node } })?.id, 'n1')
  t.equal(describeMoment(12.4, false), '12 ms')
  const call = { number: 1, client: 'c1', command: { command: 'get', key: 'a' }, to: 'n3', askedAt: 0, endedAt: 1 }
  t.equal(
    describeCall({ ...call, outcome: { outcome: 'done', answer: { ok: true, value: null } } }),
    'get a @n3 → absent',
  )
})

t.test('what was done by hand is a script that plays', async (t) => {
  const lines: TraceLine[] = [
    { event: 'trace', format: 1, stage: 6, tickMs: 10, nodes: five, at: 0 },
    { event: 'state', node: 'n2', role: 'leader', leader: 'n2', applied: 0, at: 5 },
    { event: 'asked', client: 'you 1', command: { command: 'set', key: 'a "b"', value: '1' }, to: null, at: 10 },
    { event: 'outcome', client: 'you 1', outcome: 'done', answer: { ok: true }, at: 20 },
    { event: 'killed', node: 'n2', at: 500 },
    { event: 'cut', links: ['n1>n3'], at: 510 },
    { event: 'cut', links: ['n1>n3', 'n3>n1'], at: 511 },
    { event: 'cut', links: ['n1>n3', 'n3>n1', 'n1>n4', 'n4>n1', 'n1>n5', 'n5>n1'], at: 512 },
    { event: 'healed', at: 2_000 },
    { event: 'restarted', node: 'n2', at: 2_001 },
    { event: 'asked', client: 'you 1', command: { command: 'get', key: 'a "b"' }, to: null, at: 4_000 },
    { event: 'outcome', client: 'you 1', outcome: 'done', answer: { ok: true, value: '1' }, at: 4_010 },
  ]
  const script = sayAsScript(noPicture, lines, 6)
  t.same(script.split('\n').slice(5, -1), [
    'c1 set "a \\"b\\"" 1 -> done',
    'wait 490ms',
    'kill leader',
    'cut n1 > n3',
    'cut n1 n3',
    'split n1',
    'wait 1490ms',
    'heal',
    'restart n2',
    'wait 2000ms',
    'c1 get "a \\"b\\"" -> "1"',
    'heal',
    'settle',
    'linearizable',
  ])
  t.equal(lines.reduce(fold, noPicture).cuts.length, 0)
  const { transcript } = await playVirtually(parseScenario(script, 'x1.txt'), stages[6]!)
  t.match(transcript.join('\n'), /linearizable +yes, 2 calls/)
})
