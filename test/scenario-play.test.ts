import t from 'tap'
import { failure, type Outcome, outcomeOf, type Status } from '../src/contracts.js'
import { membersIn, placesIn } from '../src/proof/scenario/members.js'
import { parseScenario } from '../src/proof/scenario/notation.js'
import { play } from '../src/proof/scenario/play.js'
import { latest, stages } from '../stages/index.js'
import { done, Puppet, refused, unknown } from './helpers/puppet.js'

const script = (body: string, more = '') => parseScenario(`X1 A title\nguarantee G5\n${more}\n${body}`, 'X1.txt')

async function judge(body: string, outcomes: readonly Outcome[], more = '') {
  return play(script(body, more), stages[2]!, new Puppet(outcomes))
}

t.test('each outcome against each expectation', async (t) => {
  const one = done({ value: '1' })
  const absent = done({ value: null })
  const cases: [string, Outcome, string][] = [
    ['done', one, 'holds'],
    ['done', refused, 'unavailable'],
    ['done', unknown, 'unavailable'],
    ['"1"', one, 'holds'],
    ['"2"', one, 'violated'],
    ['"1"', absent, 'violated'],
    ['"1"', refused, 'unavailable'],
    ['(absent)', absent, 'holds'],
    ['(absent)', one, 'violated'],
    ['"1" or (absent)', absent, 'holds'],
    ['not done', one, 'violated'],
    ['not done', refused, 'holds'],
    ['not done', unknown, 'holds'],
    ['refused', refused, 'holds'],
    ['refused not_leader', refused, 'holds'],
    ['refused no_leader', refused, 'violated'],
    ['refused', unknown, 'violated'],
    ['unknown', unknown, 'holds'],
    ['unknown timeout', unknown, 'holds'],
    ['unknown connection_lost', unknown, 'violated'],
    ['"1" or refused no_leader', refused, 'unavailable'],
  ]
  for (const [expected, outcome, verdict] of cases) {
    t.equal((await judge(`c1 get a -> ${expected}`, [outcome])).verdict, verdict, `${expected}: ${outcome.outcome}`)
  }
  t.equal((await judge('c1 get a', [unknown])).verdict, 'holds', 'what nobody expects cannot be missed')
})

t.test('violated wins over unavailable, and an unmet promise of service is a violation', async (t) => {
  const body = 'c1 get a -> "1"\nc1 get a -> "1"\nc1 get a -> "1"'
  t.equal((await judge(body, [unknown, done({ value: '2' }), refused])).verdict, 'violated')
  t.equal((await judge(body, [unknown, done({ value: '1' }), refused])).verdict, 'unavailable')
  t.equal((await judge(body, [unknown], 'service promised\n')).verdict, 'violated')
})

t.test('a transcript shows what was said, and beside what is wrong what was expected', async (t) => {
  const { transcript, witness } = await judge('# first\nc1 set a 1 & -> done\nc2 get a @n2 -> "1"', [
    unknown,
    done({ value: '2' }),
  ])
  t.same(transcript, [
    'X1 A title · stage 2, on strings',
    '',
    '# first',
    'c1 set a 1 &  unknown timeout  ◌ expected done',
    'c2 get a @n2  "2"              ✘ expected "1"',
    '',
    '✘ violated: G5 a write that found no majority leaves no visible trace',
  ])
  t.same(witness, [transcript[0], transcript[3], transcript[4]], 'the witness has no remarks')
})

t.test('a repeat is folded: the first round that is wrong is shown, and ends it', async (t) => {
  const body = 'repeat 5\nc1 set a $round\nc1 get a -> "$round"\nend'
  const round = (value: string) => [done(), done({ value })]
  const good = ['1', '2', '3', '4', '5'].flatMap(round)
  t.equal((await judge(body, good)).transcript[2], 'repeat 5  5 rounds, all as expected')
  const puppet = new Puppet([...round('1'), ...round('2'), ...round('x')])
  const { transcript, witness } = await play(script(body), stages[2]!, puppet)
  t.same(transcript.slice(2, 6), [
    'repeat 5      round 3',
    '  c1 set a 3  done',
    '  c1 get a    "x"      ✘ expected "3"',
    'end',
  ])
  t.same(witness, [transcript[0], ...transcript.slice(2, 5)])
  t.equal(puppet.told.length, 6, 'the other rounds are not played')
})

t.test('a witness has ten lines at most, and the wrong one among them', async (t) => {
  const body = `${'c1 set a 1\n'.repeat(30)}c1 get a -> "1"\n${'c1 set a 1\n'.repeat(30)}`
  const { witness } = await judge(body, [...Array.from({ length: 30 }, () => done()), done({ value: null })])
  t.equal(witness.length, 10)
  t.match(witness.at(-1), /✘/)
})

t.test('stores that differ, nodes that do not come to rest', async (t) => {
  const puppet = new Puppet()
  const holding = (node: string, value: string) => ({ node, applied: 1, contents: new Map([['a', value]]) })
  puppet.looks = [holding('n1', '1'), holding('n2', '2'), holding('n3', '1')]
  const { verdict, transcript } = await play(script('all equal'), stages[2]!, puppet)
  t.equal(verdict, 'violated')
  t.match(transcript.join('\n'), 'n1 n3: a "1"\n    n2: a "2"')
  puppet.looks = [holding('n1', '1'), holding('n2', '1')]
  t.equal((await play(script('all equal'), stages[2]!, puppet)).verdict, 'holds')
  puppet.restless = true
  t.equal((await play(script('settle'), stages[2]!, puppet)).verdict, 'unavailable')
})

t.test('the history of all clients is judged together', async (t) => {
  const body = 'c1 set a 1\nc2 get a\nlinearizable'
  t.equal((await judge(body, [done(), done({ value: '1' })])).verdict, 'holds')
  const { verdict, witness } = await judge(body, [done(), done({ value: null })])
  t.equal(verdict, 'violated')
  t.ok(witness.length <= 10)
  const load = await judge(
    'load 3 clients 4 calls',
    Array.from({ length: 12 }, () => unknown),
  )
  t.equal(load.verdict, 'unavailable', 'a load of which nothing was done')
  t.match(load.transcript[2], '0 done, 0 refused, 12 unknown')
})

t.test('what is to be done reaches the driver; `again` asks the same once more, of any node', async (t) => {
  const puppet = new Puppet()
  await play(
    script('kill n1 n2\nwipe n1\ncut n1 > n2\nheal\ndelay 1..5ms\ndelay off\nwait 2s\nc1 get a @n3\nc1 again'),
    stages[2]!,
    puppet,
  )
  const asked = 'c1 {"command":"get","key":"a"} n3'
  const delays = ['delay {"minMs":1,"maxMs":5}', 'delay null']
  const retried = 'c1 {"command":"get","key":"a"} null'
  t.same(puppet.told, ['kill n1 n2', 'wipe n1', 'cut n1 > n2', 'heal', ...delays, 'wait 2000', asked, retried])
})

t.test('a hand-over is asked of the leader, by its name or without; a load may say that no call is lost', async (t) => {
  const puppet = new Puppet([done(), done()])
  await play(script('hand over to n3 -> done\nhand over -> done'), latest, puppet)
  t.same(puppet.told, ['op {"command":"transfer_leader","to":"n3"} null', 'op {"command":"transfer_leader"} null'])
  const lost = [done(), done(), unknown, done()]
  t.equal((await judge('load 2 clients 2 calls -> no call lost', lost)).verdict, 'unavailable')
  t.equal((await judge('load 2 clients 2 calls', lost)).verdict, 'holds')
  await t.rejects(play(script('hand over'), stages[9]!, new Puppet()), /nobody hands over at stage 9: `from stage 10`/)
})

const place = (node: string, role: string, term = 1, leader: string | null = null) => ({ node, role, term, leader })

t.test('words for nodes mean whoever it is at that moment; the transcript names them', async (t) => {
  const puppet = new Puppet()
  puppet.seen = [[place('n1', 'leader', 1), place('n2', 'leader', 2), place('n3', 'candidate', 7)]]
  const body = 'old = leader\nkill leader\nsplit 2 followers\npause old any\nresume old\ncut old > n3\nc1 get a @old &'
  const { transcript } = await play(script(body), stages[2]!, puppet)
  t.same(transcript.slice(2, 9), [
    'old = leader (n2)',
    'kill leader (n2)',
    'split 2 followers (n1 n3)',
    'pause old any (n2 n3)',
    'resume old (n2)',
    'cut old > n3 (n2 n3)',
    'c1 get a @old (n2) &       (absent)',
  ])
  const asked = 'c1 {"command":"get","key":"a"} n2'
  t.same(puppet.told, ['kill n2', 'split n1 n3', 'pause n2 n3', 'resume n2', 'cut n2 > n3', asked])
})

t.test('a line that means nobody is not done; where every node stands alone, the first is the leader', async (t) => {
  const nobody = new Puppet()
  nobody.seen = [[place('n1', 'candidate'), place('n2', 'follower')]]
  const { verdict, transcript } = await play(script('kill leader\nc1 get a @leader'), stages[2]!, nobody)
  t.equal(verdict, 'unavailable')
  t.match(transcript[2], /kill leader +there is no such node +◌/)
  t.same(nobody.told, [])
  const alone = new Puppet()
  alone.seen = [[place('n1', 'standalone'), place('n2', 'standalone')]]
  await play(script('kill leader'), stages[0]!, alone)
  t.same(alone.told, ['kill n1'])
})

t.test('who leads is awaited, and judged', async (t) => {
  const led = [place('n1', 'leader', 1, 'n1'), place('n2', 'follower', 1, 'n1')]
  const after = [place('n1', 'follower', 2, 'n2'), place('n2', 'leader', 2, 'n2')]
  const torn = [place('n1', 'leader', 1, 'n1'), place('n2', 'leader', 2, 'n2')]
  const none = [place('n1', 'candidate', 2), place('n2', 'follower', 2)]
  const twins = [place('n1', 'leader', 2), place('n2', 'leader', 2)]
  const cases: [string, (typeof led)[], string, RegExp][] = [
    ['one leader within 5s', [none, led], 'holds', /n1 leads term 1$/],
    ['one leader within 5s', [none, torn, after], 'holds', /n2 leads term 2$/],
    ['one leader within 100ms', [torn], 'unavailable', /n2 leads term 2 +◌ expected one leader, and all to follow it/],
    [
      'one leader within 5s',
      [none, twins],
      'violated',
      /n1 leads term 2, n2 leads term 2 +✘ expected one leader a term/,
    ],
    ['one leader within 5s\nsame leader', [led], 'holds', /n1 leads term 1$/],
    [
      'one leader within 5s\nsame leader',
      [led, after],
      'violated',
      /n2 leads term 2 +✘ expected n1 leads term 1, as be/,
    ],
    ['one leader within 5s\nnew leader within 5s', [led, none, after], 'holds', /n2 leads term 2$/],
    ['one leader within 5s\nnew leader within 5s', [led, torn], 'holds', /n2 leads term 2$/],
    ['one leader within 5s\nnew leader within 100ms', [led], 'unavailable', /n1 leads term 1 +◌ expected another/],
    ['no leader', [none], 'holds', /nobody leads$/],
    ['no leader', [led], 'violated', /n1 leads term 1 +✘ expected nobody to lead/],
    ['no leader known within 5s', [led, [place('n2', 'follower', 1, 'n1')], none], 'holds', /nobody leads$/],
    ['no leader known within 100ms', [[place('n2', 'follower', 1, 'n1')]], 'unavailable', /nobody leads +◌ expected/],
    ['one leader within 5s', [[place('n1', 'standalone'), place('n2', 'standalone')]], 'holds', /each stands alone$/],
  ]
  for (const [body, seen, verdict, line] of cases) {
    const puppet = new Puppet()
    puppet.seen = seen
    const played = await play(script(body), stages[2]!, puppet)
    t.equal(played.verdict, verdict, body)
    t.match(played.transcript.at(-3), line)
  }
})

const kept = (node: string, first: number, last: number, snapshot = 0, commit = 0) => ({
  node,
  first,
  last,
  snapshot,
  commit,
})

t.test('how long the logs are, and who has a snapshot', async (t) => {
  const cases: [string, ReturnType<typeof kept>[][], string, RegExp][] = [
    ['logs under 5 entries', [[kept('n1', 7, 10), kept('n2', 1, 0)]], 'holds', /4 at most \(n1\)$/],
    ['logs under 4 entries', [[kept('n1', 7, 10), kept('n2', 1, 4)]], 'violated', /4 at most +✘ expected fewer than 4/],
    ['logs under 4 entries', [[]], 'unavailable', /no node runs +◌/],
    [
      'n2 has a snapshot within 1s',
      [[], [kept('n2', 1, 9)], [kept('n2', 9, 9, 8)]],
      'holds',
      /1 to 8; the log has 9 to 9/,
    ],
    ['n2 has a snapshot within 1s', [[kept('n2', 9, 8, 8)]], 'holds', /of entries 1 to 8; the log is empty$/],
    ['n2 has a snapshot within 1s', [[kept('n1', 1, 9, 8)]], 'unavailable', /none +◌ expected n2 to have one/],
  ]
  for (const [body, logs, verdict, line] of cases) {
    const puppet = new Puppet()
    puppet.logs = logs
    const played = await play(script(body), stages[2]!, puppet)
    t.equal(played.verdict, verdict, body)
    t.match(played.transcript.at(-3), line)
  }
  const puppet = new Puppet()
  puppet.seen = [[place('n1', 'leader'), place('n2', 'follower', 1, 'n1')]]
  puppet.logs = [[kept('n2', 9, 8, 8)]]
  const { transcript } = await play(script('follower has a snapshot within 1s'), stages[2]!, puppet)
  t.match(transcript[2], /^follower \(n2\) has a snapshot within 1s {2}of entries/)
})

t.test('an entry that a majority has, and that is not committed', async (t) => {
  const [leader, has, lacks] = [kept('n1', 1, 5, 0, 4), kept('n2', 1, 5, 0, 4), kept('n3', 1, 4, 0, 4)]
  const cases: [ReturnType<typeof kept>[][], string, RegExp][] = [
    [
      [
        [leader, lacks],
        [leader, has, lacks],
      ],
      'holds',
      /entry 5 at n1 n2$/,
    ],
    [[[leader, lacks]], 'unavailable', /none +◌ expected an entry in most of the logs, not committed/],
    [[[{ ...leader, commit: 5 }, has]], 'unavailable', /none +◌/],
    [[[has, lacks]], 'unavailable', /none +◌/],
  ]
  for (const [logs, verdict, line] of cases) {
    const puppet = new Puppet()
    puppet.seen = [[place('n1', 'leader'), place('n2', 'follower', 1, 'n1')]]
    puppet.logs = logs
    const played = await play(script('uncommitted on a majority within 100ms'), stages[4]!, puppet)
    t.equal(played.verdict, verdict)
    t.match(played.transcript.at(-3), line)
  }
})

t.test('what every node must hold, and what befell a node that nobody touched', async (t) => {
  const puppet = new Puppet()
  puppet.looks = ['1', '2'].map((value, at) => ({ node: `n${at + 1}`, applied: 1, contents: new Map([['a', value]]) }))
  const { transcript } = await play(script('all hold a 1'), stages[2]!, puppet)
  t.match(transcript[2], /all hold a 1 +not n2 +✘/)
  t.equal((await play(script('all hold b (absent)'), stages[2]!, puppet)).verdict, 'holds')
  const { transcript: held } = await play(script('all hold a (absent)'), stages[2]!, puppet)
  t.match(held[2], /all hold a \(absent\) +not n1 n2 +✘ expected no node to hold it/)
  puppet.accidents = ['n3 fails: it cannot be']
  const { verdict, witness } = await play(script('wait 1s'), stages[2]!, puppet)
  t.equal(verdict, 'violated')
  t.match(witness.at(-1), /n3 fails: it cannot be +✘/)
})

const members = (voters: string[], outgoing: string[] | null = null, learners: string[] = []) => ({
  voters,
  outgoing,
  learners,
  isChanging: false,
})

t.test('who the voters are, and who learns', async (t) => {
  const [two, three] = [members(['n1', 'n2']), members(['n3', 'n1', 'n2'])]
  const halfway = members(['n1', 'n2'], ['n1', 'n2', 'n3'])
  const cases: [string, (typeof two | null)[], string, RegExp][] = [
    ['voters n1 n2 n3', [three], 'holds', /voters n1 n2 n3$/],
    ['voters n1 n2', [three], 'violated', /n1 n2 n3 +✘ expected n1 n2/],
    ['voters n1 n2 within 1s', [three, halfway, two], 'holds', /within 1s$/],
    ['voters n1 n2 within 1s', [halfway], 'unavailable', /n1 n2, and still n1 n2 n3 +◌ expected n1 n2/],
    ['learners n3', [members(['n1'], null, ['n3'])], 'holds', /learners n3$/],
    ['learners n3', [two], 'violated', /none +✘ expected n3/],
    ['change under way', [two], 'violated', /none +✘ expected a change/],
    ['change under way within 1s', [two, { ...two, isChanging: true }], 'holds', /within 1s$/],
    ['voters follower n1', [members(['n1', 'n2', 'n3'])], 'violated', /voters follower n1 \(n3 n1\)/],
  ]
  for (const [body, memberships, verdict, line] of cases) {
    const puppet = new Puppet()
    puppet.seen = [[place('n1', 'leader'), place('n2', 'follower', 1, 'n1'), place('n3', 'follower', 1, 'n1')]]
    puppet.memberships = memberships
    const played = await play(script(body), stages[8]!, puppet)
    t.equal(played.verdict, verdict, body)
    t.match(played.transcript.at(-3), line)
  }
  const { transcript } = await play(script('voters n1'), stages[8]!, new Puppet())
  t.match(transcript[2], /nobody leads +◌ expected n1/)
})

t.test('to take nodes in and out is asked as a client asks; who is no member is not meant by a word', async (t) => {
  const puppet = new Puppet([done(), outcomeOf(failure('change_in_progress', 'one at a time'))])
  const outsider = { ...place('n3', 'follower', 9), outsider: true }
  puppet.seen = [[place('n1', 'leader'), place('n2', 'follower', 1, 'n1'), outsider]]
  const body = 'add n3 & -> done\nremove follower -> done\nreconfigure n1 n2 force\none leader within 1s'
  const { transcript, verdict } = await play(script(body), stages[8]!, puppet)
  t.same(puppet.told, [
    'op {"command":"add_node","node":"n3","client":"n3:1","peer":"n3:2"} null',
    'op {"command":"remove_node","node":"n2"} null',
    'op {"command":"reconfigure","voters":["n1=n1:1/n1:2","n2=n2:1/n2:2"],"force":true} null',
  ])
  t.match(transcript[3], /^remove follower \(n2\) +refused change_in_progress +◌ expected done/)
  t.match(transcript[5], /n1 leads term 1$/, 'and need not follow')
  t.equal(verdict, 'unavailable')
})

t.test('whom a cluster consists of, as its nodes say it', async (t) => {
  const says = (id: string, voters: string[], more: object = {}) =>
    ({ id, stage: 8, role: 'follower', leader: null, applied: 0, peers: [], voters, ...more }) as Status
  const former = says('n1', ['n1'], { role: 'leader', term: 1, commit: 9 })
  const leader = says('n2', ['n2'], { role: 'leader', term: 2, learners: ['n3'] })
  t.same(membersIn([former, leader, says('n3', [])]), members(['n2'], null, ['n3']), 'the leader elected last')
  const told = [says('n1', ['n1'], { commit: 2 }), says('n2', ['n2'], { commit: 3 }), says('n3', [], { commit: 0 })]
  t.same(membersIn(told), members(['n2']), 'or who has seen most committed')
  const { voters: _voters, ...fixed } = says('n1', [])
  t.equal(membersIn([fixed as Status]), null)
  t.same(
    placesIn([former, leader, says('n3', []), says('n4', [])]).map(({ node, outsider }) => [node, outsider === true]),
    [
      ['n1', true],
      ['n2', false],
      ['n3', false],
      ['n4', true],
    ],
  )
})

t.test('a load in the background goes on while other lines are done', async (t) => {
  const puppet = new Puppet()
  const { transcript } = await play(script('load 2 clients 2 calls over 1s &\nwait 1s'), stages[2]!, puppet)
  t.match(transcript[2], /4 done, 0 refused, 0 unknown$/)
  t.equal(puppet.told.length, 5)
})

t.test('what the stage or the cluster does not have is found before anything is done', async (t) => {
  const wrong: [string, RegExp][] = [
    ['kill n1\nkill n9', /^X1.txt:5: there is no node n9; there are n1 n2 n3/],
    ['kill n1\nc1 get a @n8', /^X1.txt:5: there is no node n8/],
    ['kill n1\nc1 fly a', /^X1.txt:5: no command "fly"; there are get set/],
    ['kill n1\nrepeat 2\nc1 get\nend', /^X1.txt:6: usage: get key/],
    ['kill n1\nr1 ends', /^X1.txt:5: a bare connection needs real sockets: `drivers real`/],
    ['kill n1\nc1 again', /^X1.txt:5: c1 has asked nothing yet/],
    ['kill n1\nkill old', /^X1.txt:5: there is no node old; there are n1 n2 n3, and `leader`, `follower`/],
    ['kill n1\nn9 has a snapshot within 5s', /^X1.txt:5: there is no node n9/],
    ['kill n1\nlose 5%', /^X1.txt:5: only in virtual time does chance lose or double messages: `drivers virtual`/],
    ['kill n1\nadd n2', /^X1.txt:5: the members are fixed at stage 2: `from stage 8`/],
    ['kill n1\nvoters n9', /^X1.txt:5: there is no node n9/],
    ['kill n1\nsame leader', /^X1.txt:5: no line has looked who leads yet/],
  ]
  for (const [body, message] of wrong) {
    const puppet = new Puppet()
    await t.rejects(play(script(body), stages[2]!, puppet), { name: 'NotationError', message }, body)
    t.same(puppet.told, [], body)
  }
})
