import fc from 'fast-check'
import t from 'tap'
import { parseArguments, parseLine, UsageError } from '../../client/text/words.js'
import { membershipCommands } from '../../stages/8-membership/commands.js'
import { stages } from '../../stages/index.js'

const { commands } = stages[0]!

t.test('lines as a person types them', async (t) => {
  const cases: [string, object][] = [
    ['ping', { command: { command: 'ping' }, at: null }],
    ['  get   a  ', { command: { command: 'get', key: 'a' }, at: null }],
    ['get a @n3', { command: { command: 'get', key: 'a' }, at: 'n3' }],
    ['get "@n3"', { command: { command: 'get', key: '@n3' }, at: null }],
    ['get @n3', { command: { command: 'get', key: undefined }, at: 'n3' }],
    ['set a hello  world', { command: { command: 'set', key: 'a', value: 'hello world' }, at: null }],
    ['set a ""', { command: { command: 'set', key: 'a', value: '' }, at: null }],
    ['set "a b" "c\\nd"', { command: { command: 'set', key: 'a b', value: 'c\nd' }, at: null }],
    ['cas a null b', { command: { command: 'cas', key: 'a', expected: null, value: 'b' }, at: null }],
    ['cas a "null" b', { command: { command: 'cas', key: 'a', expected: 'null', value: 'b' }, at: null }],
    ['set a null', { command: { command: 'set', key: 'a', value: 'null' }, at: null }],
    ['scan', { command: { command: 'scan' }, at: null }],
    ['scan a b 5', { command: { command: 'scan', prefix: 'a', after: 'b', limit: 5 }, at: null }],
    [
      'scan a "" 5 x.1-1-a b',
      { command: { command: 'scan', prefix: 'a', after: '', limit: 5, page: 'x.1-1-a b' }, at: null },
    ],
  ]
  for (const [line, expected] of cases) {
    if (line === 'get @n3') t.throws(() => parseLine(line, commands), UsageError, 'a node to ask is not a key')
    else t.same(parseLine(line, commands), expected, line)
  }
})

t.test('flags by their names, and all names that there are', async (t) => {
  const remove = (node: string, more = {}) => ({ command: 'remove_node', node, ...more })
  const become = (voters: string[], more = {}) => ({ command: 'reconfigure', voters, ...more })
  const cases: [string, object][] = [
    ['remove_node n3', remove('n3')],
    ['remove_node n3 force', remove('n3', { force: true })],
    ['remove_node "force" force', remove('force', { force: true })],
    ['reconfigure n1', become(['n1'])],
    ['reconfigure n1 n2 n6=h:1/h:2', become(['n1', 'n2', 'n6=h:1/h:2'])],
    ['reconfigure n1 n2 force', become(['n1', 'n2'], { force: true })],
    ['reconfigure n1 "force"', become(['n1', 'force'])],
    ['add_node n6 h:1 h:2', { command: 'add_node', node: 'n6', client: 'h:1', peer: 'h:2' }],
  ]
  for (const [line, command] of cases) t.same(parseLine(line, membershipCommands).command, command, line)
  t.same(parseLine('remove_node n3 force @n2', membershipCommands).at, 'n2')
  for (const [line, message] of [
    ['remove_node force', /usage: remove_node node \[force\]$/],
    ['remove_node n3 n4', /usage: remove_node node \[force\]$/],
    ['reconfigure', /usage: reconfigure voters… \[force\]$/],
    ['reconfigure force', /usage: reconfigure/],
    ['add_node n6 h:1', /usage: add_node node client peer \[force\]$/],
  ] as const) {
    t.throws(() => parseLine(line, membershipCommands), { name: 'UsageError', message }, line)
  }
})

t.test('what stands beside a command is typed at its end', async (t) => {
  const { commands } = stages[9]!
  const cases: [string, object][] = [
    ['append a x session=6 sequence=1', { command: 'append', key: 'a', value: 'x', session: 6, sequence: 1 }],
    ['set a b c withIndex', { command: 'set', key: 'a', value: 'b c', withIndex: true }],
    ['set a "session=6"', { command: 'set', key: 'a', value: 'session=6' }],
    ['set a session=6', { command: 'set', key: 'a', value: 'session=6' }],
    ['set a withIndex', { command: 'set', key: 'a', value: 'withIndex' }],
    ['set a b consistency=stale', { command: 'set', key: 'a', value: 'b consistency=stale' }],
    ['get a consistency=stale', { command: 'get', key: 'a', consistency: 'stale' }],
    ['get a atLeast=12 withIndex', { command: 'get', key: 'a', atLeast: 12, withIndex: true }],
    ['scan consistency=stale', { command: 'scan', consistency: 'stale' }],
    ['scan "consistency=stale"', { command: 'scan', prefix: 'consistency=stale' }],
  ]
  for (const [line, command] of cases) {
    t.same(parseLine(line, commands).command, command, line)
    t.same(parseLine(`${line} @n2`, commands), { command, at: 'n2' })
  }
  t.same(parseArguments(['set', 'a', 'b', 'withIndex'], commands), {
    command: 'set',
    key: 'a',
    value: 'b',
    withIndex: true,
  })
  t.throws(() => parseLine('get a consistency', commands), UsageError, 'the value is missing')
})

t.test('lines that are no command show what would be', async (t) => {
  for (const [line, message] of [
    ['fly', /no command "fly"; there are get set/],
    ['__proto__ a', /no command "__proto__"/],
    ['get', /usage: get key$/],
    ['get a b c', /usage: get key$/],
    ['set "a" "b" "c"', /usage: set key value/],
    ['scan a b 1 "2" "3"', /usage: scan \[prefix\] \[after\] \[limit\] \[page\]/],
    ['set a "b', /begins with a quote but is no JSON string/],
  ] as const) {
    t.throws(() => parseLine(line, commands), { name: 'UsageError', message }, line)
  }
})

t.test('any key and value can be typed when quoted, and given by a shell as they are', async (_t) => {
  const text = fc.string({ unit: 'binary', minLength: 1 })
  fc.assert(
    fc.property(text, text, (key, value) => {
      const typed = parseLine(`set ${JSON.stringify(key)} ${JSON.stringify(value)}`, commands)
      const given = parseArguments(['set', key, value], commands)
      const expected = JSON.stringify({ command: 'set', key, value })
      return JSON.stringify(typed.command) === expected && JSON.stringify(given) === expected
    }),
  )
})
