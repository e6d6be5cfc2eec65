import { readFileSync } from 'node:fs'
import t from 'tap'
import { playOnProcesses } from '../../client/proof/scenario/real.js'
import { localMembers } from '../../src/network/local-members.js'
import { catalogue } from '../../src/proof/scenario/catalogue.js'
import { parseScenario } from '../../src/proof/scenario/notation.js'
import { playVirtually } from '../../src/proof/scenario/virtual.js'
import { stages } from '../../stages/index.js'
import { size, some } from '../helpers/effort.js'
import { cli } from '../helpers/running.js'

const scenarios = catalogue()
const naive = stages[2]!

/** Stages, each with the scenarios to play there. */
type Selection = readonly (readonly [stage: number, ...scenarios: string[]])[]

/** What is played on processes here: of each kind one, or a good part of what can be. */
const selection = size<Selection, Selection>(
  [
    [2, 'N3'],
    [6, 'E9'],
  ],
  [
    [2, 'N1', 'N3', 'N6', 'N7', 'N8', 'W7'],
    [4, 'L3', 'N5', 'E11'],
    [5, 'H3', 'H5'],
    [8, 'M1', 'M4', 'M5', 'M6', 'M9'],
    [6, 'W1', 'E2', 'E6', 'E9', 'E10', 'E12', 'E16'],
    [7, 'C2', 'C4', 'C7'],
    [10, 'E16', 'E18', 'E19', 'E20', 'E21', 'E22', 'E23', 'E24', 'E25'],
    [10, 'T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7'],
  ],
)
const find = (id: string) => scenarios.find((scenario) => scenario.id === id)!

/** Nodes that this process has started and that are still there. */
function nodesLeft(): string[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean)
  const commands = children.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    } catch {
      return ''
    }
  })
  return commands.filter((command) => command.includes('node-entry'))
}

t.test('on five processes the verdicts are those of virtual time', async (t) => {
  for (const [number, ...ids] of selection) {
    for (const id of ids) {
      const real = await playOnProcesses(find(id), stages[number]!)
      const isVirtual = find(id).drivers.includes('virtual')
      const verdict = isVirtual ? (await playVirtually(find(id), stages[number]!)).verdict : 'holds'
      t.equal(real.verdict, verdict, real.transcript.join('\n'))
      t.same(nodesLeft(), [], 'no node is left')
    }
  }
})

t.test('a node whose disk was replaced is sent what it lacks', async (t) => {
  const repeated = 'repeat 50\nc1 set a $round -> done\nend'
  const body = `c1 set first 1 -> done\n${repeated}\naway = follower\nkill away\nwipe away\nrestart away`
  const after = 'away has a snapshot within 10s\nsettle\nall hold first 1\nall equal'
  const header = 'X1 A title\nguarantee G14\nsnapshots every 20 entries'
  const wiped = parseScenario(`${header}\n\n${body}\n${after}`, 'X1.txt')
  for (const play of size([playVirtually], [playVirtually, playOnProcesses])) {
    const { verdict, transcript } = await play(wiped, stages[7]!)
    t.equal(verdict, 'holds', transcript.join('\n'))
  }
})

t.test('hostile bytes need real sockets', async (t) => {
  for (const id of size(['W2'], ['W1', 'W2', 'W3', 'W4'])) {
    const { verdict, transcript } = await playOnProcesses(find(id), naive)
    t.equal(verdict, 'holds', transcript.join('\n'))
  }
  t.same(nodesLeft(), [])
})

t.test('what a bare connection receives is judged, too', async (t) => {
  const body = `r1 sends '{"id":1,\\n'\nr1 receives {"ok":true}`
  const wrong = parseScenario(`X1 A title\nguarantee G1\n\n${body}`, 'X1.txt')
  const { verdict, witness } = await playOnProcesses(wrong, naive)
  t.equal(verdict, 'violated')
  t.match(witness.at(-1), /bad_request.*✘ expected \{"ok":true\}$/)
})

t.test('raft-roadmap scenario', async (t) => {
  const list = await cli(['scenario'])
  t.match(list, { code: 0, stdout: /N3 +Three followers down +G5/ })
  const broken = await cli(['scenario', 'n3', '--stage', '2'])
  t.match(broken, { code: 1, stdout: /"1" +✘ expected \(absent\) or refused or unknown\n\n✘ violated: G5/ })
  t.match(await cli(['scenario', 'N1', '--stage', '2', '--seed', '5'], '', { FORCE_COLOR: '1' }), {
    code: 0,
    stdout: `\u001b[32m✔ holds: G4`,
  })
  t.notMatch((await cli(['scenario', 'N1'], '', { FORCE_COLOR: '1', NO_COLOR: '1' })).stdout, '\u001b')
  t.match(await cli(['scenario', 'N1', '--stage', '2', '--real']), { code: 0, stdout: /five processes/ })
  const usage: [string[], RegExp][] = [
    [['X9'], /no scenario "X9"; there are W1 W2/],
    [['W1'], /W1 needs real sockets: add --real, or --hands/],
    [['N1', '--stage', '0'], /N1 says nothing of stage 0; it begins with 2/],
    [['N1', '--stage', '77'], /no stage "77"/],
    [['N1', '--real', '--hands'], /either --real or --hands/],
    [['W5', '--hands'], /W5 puts a load on the cluster, which no hand can do/],
    [['M1', '--hands'], /M1 takes in nodes beside the five/],
    [['W7', '--hands'], /W7 needs nodes that were told wrong things/],
    [['N3', '--hands', '--stage', '2'], /the answers ended before the scenario did/],
  ]
  for (const [args, stderr] of some(2, usage))
    t.match(await cli(['scenario', ...args]), { code: 2, stderr }, args.join(' '))
})

t.test('--hands says what to do, and judges what was seen', async (t) => {
  const [n1, n2] = localMembers(5, '127.0.0.1', 7100).map(({ client }) => client.replace(':', ' '))
  const hands = (id: string, answers: string) =>
    cli(['scenario', id, '--stage', '2', '--hands', '--base-port', '7100'], answers)
  const seen = await hands('N3', 'n1\n\nn1\n{"ok":true,"value":"1"}\n')
  t.match(seen, { code: 1, stdout: /▶ where the cluster runs, type: kill n3 n4 n5 +\(or `kill -9 PID`/ })
  t.match(seen.stdout, `▶ c1: printf '%s\\n' '{"command":"set","key":"a","value":"1"}' | nc -N -w 1 ${n1}\n`)
  t.match(seen.stdout, `| nc -N -w 1 ${n2}\n`)
  t.match(seen.stdout, /c2 get a @follower \(n2\) +"1" +✘ expected \(absent\) or refused/)
  t.match(await hands('N3', `n1\n${'refused\n'.repeat(5)}n1\n{"ok":true,"value":null}\n`), {
    code: 0,
  })
  const elsewhere =
    '{"ok":false,"error":{"code":"not_leader","message":"","definite":true,"leader":"n2","address":"127.0.0.1:7102"}}\n'
  t.match(await hands('N3', `n1\nwhat?\n${elsewhere}\nn1\n{"ok":true,"value":null}\n`), {
    code: 0,
    stdout: /that is no answer of a node.*that sends c1 on to n2/s,
  })
  const same = '{"ok":true,"entries":[["a","1"]],"more":false}\n'
  t.match(await hands('N1', `n1\n{"ok":true}\n${same.repeat(3)}{"ok":true,"value":"1"}\n`), { code: 0 })
  const nc = await hands('W4', 'n1\n{"ok":true}\ny\n')
  t.match(nc, { code: 0, stdout: `printf '{"command":"set","key":"a","value":"1"}\\n' | nc -N ${n1}\n` })
  const bash = await hands('W3', 'n1\n{"ok":false}\n')
  t.match(bash, { code: 2, stdout: `▶ in bash: exec 3<>/dev/tcp/127.0.0.1/7101\n▶ printf '{"id":1` })
})
