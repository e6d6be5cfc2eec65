/** What etcd says, in our words: no etcd is needed to test it. */
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { EtcdError } from '../../client/engine/etcd/api.js'
import { answerOf, answerToRead } from '../../client/engine/etcd/errors.js'
import { readLog } from '../../client/engine/etcd/node-log.js'
import { etcdArguments } from '../../client/engine/etcd/program.js'
import { rangeOf } from '../../client/engine/etcd/range.js'
import { obstacleOnEtcd } from '../../client/proof/scenario/etcd.js'
import { catalogue } from '../../src/proof/scenario/catalogue.js'

const says = (code: status, details: string) => new EtcdError({ code, details })

t.test('an error of etcd is a refusal only where it says that nothing was done', async (t) => {
  const refused = [
    says(status.UNAVAILABLE, 'etcdserver: no leader'),
    says(status.UNKNOWN, 'raft proposal dropped'),
    says(status.PERMISSION_DENIED, 'etcdserver: permission denied'),
    says(status.INVALID_ARGUMENT, 'etcdserver: user name is empty'),
    says(status.INVALID_ARGUMENT, 'etcdserver: request is too large'),
    says(status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted'),
    says(status.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded'),
    says(status.FAILED_PRECONDITION, 'etcdserver: re-configuration failed due to not enough started members'),
  ]
  t.same(
    refused.map((error) => answerOf(error).error.code),
    [
      'no_leader',
      'no_leader',
      'permission_denied',
      'unauthenticated',
      'too_large',
      'compacted',
      'overloaded',
      'quorum_at_risk',
    ],
  )
  for (const error of refused) t.ok(answerOf(error).error.definite, error.message)
  const unknown = [
    says(status.UNAVAILABLE, 'etcdserver: request timed out'),
    says(status.UNAVAILABLE, 'etcdserver: request timed out, possibly due to previous leader failure'),
    says(status.UNAVAILABLE, 'etcdserver: server stopped'),
    says(status.UNAVAILABLE, 'etcdserver: leader changed'),
    says(status.UNKNOWN, 'context canceled'),
    says(status.DEADLINE_EXCEEDED, 'Deadline exceeded after 30s'),
  ]
  for (const error of unknown) {
    t.notOk(answerOf(error).error.definite, error.message)
    t.ok(answerToRead(error).error.definite, `to a read it is a refusal: ${error.message}`)
  }
})

t.test('an error of the connection is no answer of etcd', async (t) => {
  t.notOk(says(status.UNAVAILABLE, 'Connection dropped').isAnswer)
  t.notOk(says(status.CANCELLED, 'Call cancelled').isAnswer)
  t.ok(says(status.UNAVAILABLE, 'etcdserver: no leader').isAnswer)
})

t.test('the log of a node: who stands, who leads, and what went wrong', async (t) => {
  const line = (level: string, msg: string, more: object = {}) => JSON.stringify({ level, msg, ...more })
  t.same(readLog('n1', line('info', 'e88b7d3cc38805a8 became leader at term 2')), {
    event: { event: 'leads', node: 'n1', term: 2 },
  })
  t.match(readLog('n1', line('info', 'e88b7d3cc38805a8 became candidate at term 7')), {
    event: { event: 'campaign', term: 7 },
  })
  t.equal(readLog('n1', line('info', 'added member')), null)
  t.equal(readLog('n1', 'WARNING: some library talks'), null)
  t.same(readLog('n1', line('fatal', 'discovery failed', { error: 'no' })), { complaint: 'discovery failed: no' })
  t.same(readLog('n1', 'panic: runtime error'), { complaint: 'panic: runtime error' })
})

t.test('a prefix is a range of bytes, and so is what stands behind a key', async (t) => {
  const texts = ({ key, range_end }: ReturnType<typeof rangeOf>) => [
    key.toString('latin1'),
    range_end.toString('latin1'),
  ]
  t.same(texts(rangeOf('')), ['\0', '\0'])
  t.same(texts(rangeOf('a')), ['a', 'b'])
  t.same(texts(rangeOf('a', 'ab')), ['ab\0', 'b'])
  t.same(texts(rangeOf('b', 'a')), ['b', 'c'], 'a key before the prefix changes nothing')
  const { key, range_end } = rangeOf('é')
  t.ok(Buffer.compare(key, Buffer.from('é!')) < 0 && Buffer.compare(Buffer.from('é\u{10ffff}'), range_end) < 0)
})

t.test('a node is started with the defaults of etcd, every write synced', async (t) => {
  const [n1, n2] = ['n1', 'n2'].map((id, at) => ({ id, client: `127.0.0.1:${at + 1}`, peer: `127.0.0.1:${at + 11}` }))
  const words = etcdArguments(n1!, { members: [n1!, n2!], state: 'new' }, '/tmp/x')
  t.ok(words.includes('--initial-cluster=n1=http://127.0.0.1:11,n2=http://127.0.0.1:12'))
  t.notOk(
    words.some((word) => word.includes('fsync')),
    'nothing turns a sync off',
  )
})

t.test('scenarios that need the network inside, our bytes or our logs are not for etcd, and say why', async (t) => {
  const obstacles = new Map(catalogue().map((scenario) => [scenario.id, obstacleOnEtcd(scenario)]))
  t.equal(obstacles.get('N3'), null)
  t.equal(obstacles.get('R4'), null)
  t.match(obstacles.get('E2'), 'netns')
  const onHosts = (id: string) => obstacleOnEtcd(catalogue().find((scenario) => scenario.id === id)!, true)
  t.equal(onHosts('E2'), null, 'on hosts, links can be cut')
  t.match(obstacles.get('N7'), /delays what nodes send, which needs --hosts netns/)
  t.equal(onHosts('N7'), null, 'and what nodes send delayed')
  t.match(onHosts('R12'), 'logs', 'and its logs remain its own')
  t.match(obstacles.get('W1'), 'protocol')
  t.ok([...obstacles.values()].filter((why) => why === null).length > 15)
})
