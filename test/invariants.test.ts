import t from 'tap'
import { commandPayload, type Entry, type InvariantName, makeEntry, type Status } from '../src/contracts.js'
import { invariants, type Observation } from '../src/proof/simulation/invariants.js'

const entry = (index: number, term: number, value = `${index}.${term}`) =>
  makeEntry(index, term, commandPayload({ command: 'set', key: 'k', value }))
/** A log of these entries, all of them new to whoever looks unless said otherwise. */
const log = (entries: Entry[], changedFrom = 1) => ({
  first: 1,
  changedFrom,
  last: entries.length,
  at: (index: number) => entries[index - 1],
})
const fiveNames = ['n1', 'n2', 'n3', 'n4', 'n5']
const seen = (node: string, status: Partial<Status>, more: Partial<Observation> = {}): Observation => ({
  node,
  incarnation: 0,
  status: { id: node, stage: 6, role: 'follower', leader: null, applied: 0, peers: [], ...status },
  log: log([]),
  performed: [],
  disks: { all: fiveNames, holdersOf: ({ term }) => fiveNames.slice(0, term) },
  ...more,
})

const foundedBy = (origin: string) => makeEntry(1, 1, { kind: 'configuration', configuration: { origin } })
const snapshotOf = (index: number, sha256: string) => ({ snapshot: { index, term: 1, bytes: 1, sha256 } })

t.test('no state machine leaves a command out or performs it twice; nothing else is committed there', async (t) => {
  const applies = invariants.stateMachinesAgree.watch()
  t.equal(applies(seen('n1', {}, { performed: [{ index: 1, command: 'a' }] })), null)
  t.match(applies(seen('n1', {}, { performed: [{ index: 1, command: 'a' }] })), /performed entry 1 after entry 1/)
  t.match(applies(seen('n2', {}, { performed: [{ index: 2, command: 'b' }] })), /performed entry 2 after entry 0/)
  t.equal(
    applies(
      seen(
        'n3',
        {},
        {
          performed: [
            { index: 7, command: null },
            { index: 8, command: 'c' },
          ],
        },
      ),
    ),
    null,
  )
  t.match(applies(seen('n3', {}, { performed: [{ index: 8, command: null }] })), /n3 went back from entry 8/)
  const complete = invariants.leadersAreComplete.watch()
  t.equal(complete(seen('n1', { commit: 1 }, { log: log([entry(1, 1)]) })), null)
  t.match(complete(seen('n2', { commit: 1 }, { log: log([entry(1, 2)]) })), /n1 and n2 committed different entries/)
})

t.test('every invariant passes what is legal and names what is not', async (t) => {
  const two = [entry(1, 1), entry(2, 1)]
  const performs = (index: number, command = `${index}`) => ({ index, command })
  const cases: Record<InvariantName, { legal: Observation[]; next: Observation; message: RegExp }> = {
    appliedNeverFalls: {
      legal: [seen('n1', { applied: 3 }), seen('n2', { applied: 1 }), seen('n1', { applied: 0 }, { incarnation: 1 })],
      next: seen('n2', { applied: 0 }),
      message: /n2's applied index fell from 1 to 0/,
    },
    commitNeverFalls: {
      legal: [seen('n1', { commit: 3 }), seen('n1', { commit: 3 })],
      next: seen('n1', { commit: 2 }),
      message: /n1's commit index fell from 3 to 2/,
    },
    termNeverFalls: {
      legal: [seen('n1', { term: 3 }), seen('n1', { term: 2 }, { incarnation: 1 }), seen('n1', { term: 3 })],
      next: seen('n1', { term: 2 }),
      message: /n1's term fell from 3 to 2/,
    },
    oneLeaderPerTerm: {
      legal: [
        seen('n1', { role: 'leader', term: 1 }),
        seen('n2', { role: 'leader', term: 2 }),
        seen('n1', { role: 'leader', term: 1 }),
      ],
      next: seen('n3', { role: 'leader', term: 2 }),
      message: /n2 and n3 both lead term 2/,
    },
    leaderAppendsOnly: {
      legal: [
        seen('n1', { role: 'leader', term: 1 }, { log: log(two) }),
        seen('n1', { role: 'leader', term: 1 }, { log: log([...two, entry(3, 1)], 3) }),
        seen('n1', { role: 'follower', term: 2 }, { log: log([...two], 3) }),
        seen('n1', { role: 'leader', term: 3 }, { log: log([...two, entry(3, 3)], 3) }),
      ],
      next: seen('n1', { role: 'leader', term: 3 }, { log: log(two, 3) }),
      message: /the leader n1 changed its entry 3 in term 3/,
    },
    logsMatch: {
      legal: [
        seen('n1', {}, { log: log(two) }),
        seen('n2', {}, { log: log([entry(1, 1), entry(2, 2)]) }),
        seen('n2', {}, { log: log(two, 2) }),
        seen('n3', {}, { log: log([entry(1, 1), entry(2, 1), entry(3, 2)]) }),
      ],
      next: seen('n4', {}, { log: log([entry(1, 1), entry(2, 2), entry(3, 2)]) }),
      message: /n4 and n3 agree at index 3, term 2, but differ at index 2/,
    },
    leadersAreComplete: {
      legal: [
        seen('n1', { role: 'leader', term: 1, commit: 1 }, { log: log([entry(1, 1)]) }),
        seen('n2', { role: 'leader', term: 2, commit: 0 }, { log: log([entry(1, 1), entry(2, 2)]) }),
      ],
      next: seen('n3', { role: 'leader', term: 3 }, { log: log([entry(1, 2)]) }),
      message: /the leader n3 of term 3 lacks entry 1 of term 1, which was committed/,
    },
    committedIsDurable: {
      legal: [
        seen('n1', { commit: 1 }, { log: log([entry(1, 3), entry(2, 3)]) }),
        seen('n2', { commit: 1 }, { log: log([entry(1, 3)]) }),
      ],
      next: seen('n2', { commit: 2 }, { log: log([entry(1, 3), entry(2, 2)]) }),
      message: /n2 takes entry 2 for committed; of n1 n2 n3 n4 n5 it is on the disks of n1 n2/,
    },
    oneHistory: {
      legal: [
        seen('n1', {}, { log: log([foundedBy('n1')]) }),
        seen('n2', { origin: 'n2' }),
        seen('n1', { origin: 'n1' }, { log: log([foundedBy('n1')]) }),
        seen('n2', { origin: 'n1' }, { incarnation: 1 }),
      ],
      next: seen('n1', {}, { log: log([foundedBy('n1'), foundedBy('n2')], 2) }),
      message: /n1 holds what belongs to the cluster n2, and to n1/,
    },
    snapshotsAgree: {
      legal: [
        seen('n1', snapshotOf(5, 'a')),
        seen('n1', snapshotOf(9, 'b')),
        seen('n2', snapshotOf(5, 'a')),
        seen('n3', {}),
      ],
      next: seen('n3', snapshotOf(9, 'a')),
      message: /n1 and n3 hold different snapshots up to entry 9/,
    },
    stateMachinesAgree: {
      legal: [
        seen('n1', {}, { performed: [performs(1), performs(2)] }),
        seen('n2', {}, { performed: [performs(1)] }),
        seen('n1', {}, { incarnation: 1, performed: [performs(1)] }),
      ],
      next: seen('n2', {}, { performed: [performs(2, 'other')] }),
      message: /at index 2 n1 performed 2 and n2 other/,
    },
  }
  for (const [name, { legal, next, message }] of Object.entries(cases)) {
    const watch = invariants[name as InvariantName].watch()
    t.same(
      legal.map(watch),
      legal.map(() => null),
      `${name}: legal`,
    )
    t.match(watch(next), message, name)
  }
})
