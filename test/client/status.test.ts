import t from 'tap'
import { fitted } from '../../client/text/status.js'
import { widthOf } from '../../client/text/table.js'

const healthy = (at: number, changes: Record<string, string> = {}) => ({
  node: `n${at}`,
  address: `127.0.0.1:700${at}`,
  pid: '123456',
  condition: 'up',
  role: at === 1 ? 'leader' : 'follower',
  member: 'voter',
  leader: 'n1',
  term: '1',
  snapshot: '1000',
  'last log': '1234',
  commit: '1234',
  applied: '1234',
  ...changes,
})
const heads = (text: string) => text.split('\n', 1)[0]!.split(/ {2,}/)

t.test('a table of five healthy nodes fits 80 columns, and a pipe gets all of it', async (t) => {
  const rows = [1, 2, 3, 4, 5].map((at) => healthy(at))
  t.same(heads(fitted(rows, Number.POSITIVE_INFINITY)), Object.keys(rows[0]!))
  const narrow = fitted(rows, 80)
  t.ok(widthOf(narrow) <= 80)
  t.same(heads(narrow), ['node', 'address', 'condition', 'role', 'term', 'snapshot', 'last log', 'commit'])
})

t.test('what tells one node from another is never left out', async (t) => {
  const rows = [healthy(1), healthy(2, { member: 'learner', leader: 'none', applied: '7' })]
  t.same(
    heads(fitted(rows, 40)),
    Object.keys(rows[0]!).filter((name) => name !== 'pid'),
  )
})
