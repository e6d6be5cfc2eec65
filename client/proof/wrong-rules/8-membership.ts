import type { Entry, NodeOptions, Recovered } from '../../../src/contracts.js'
import { replaced, type Stage, type StageTable, stage } from '../../../src/stage.js'
import { majority, type Quorum } from '../../../stages/2-naive-replication/quorum.js'
import { campaignAfterSilence } from '../../../stages/6-leader-election/campaign.js'
import { headerOfEdge } from '../../../stages/7-log-compaction/take-snapshot.js'
import { advanceChange } from '../../../stages/8-membership/advance-change.js'
import { addNode } from '../../../stages/8-membership/ask-change.js'
import { appendConfiguration } from '../../../stages/8-membership/change-voters.js'
import { type Configuration, idsOf, type Server } from '../../../stages/8-membership/configuration.js'
import { foundCluster } from '../../../stages/8-membership/found.js'
import { campaignIfVoter } from '../../../stages/8-membership/loyalty.js'
import { MembersLog, type Placed } from '../../../stages/8-membership/members-log.js'
import type { MembershipMessage } from '../../../stages/8-membership/messages.js'
import { type Participant, participant } from '../../../stages/8-membership/participant.js'
import membership from '../../../stages/8-membership/stage.js'
import type { WrongRule } from './wrong-rule.js'

type Table = StageTable<Participant, MembershipMessage>

export const right = membership.table

export function replacing(rules: Partial<Table>): Stage {
  return stage<Participant, MembershipMessage>({ ...right, ...rules })
}

/** A stage whose leader takes the steps of a change by another rule. */
export function advancing(advance: (node: Participant) => void): Stage {
  return replacing({ turn: replaced(right.turn, advanceChange, advance) })
}

/** A stage whose nodes stand for election by another rule. */
export function standingBy(campaign: (node: Participant) => void): Stage {
  return replacing({ tick: replaced(right.tick, campaignIfVoter, campaign) })
}

/** A stage whose nodes begin with another state. */
export function beginning(begin: (node: ReturnType<typeof participant>, options: NodeOptions) => void): Stage {
  return replacing({
    state(options) {
      const node = participant(options)
      begin(node, options)
      return node
    },
  })
}

/** A stage whose nodes keep their members in another log. */
function knowing(Log: new (recovered: Recovered) => MembersLog): Stage {
  return replacing({
    state(options) {
      const log = new Log(options.recovered)
      return { ...participant(options), log, quorum: log.quorum }
    },
  })
}

/** A stage whose quorums are other sets of nodes. */
function counting(enough: (configuration: Configuration) => Quorum): Stage {
  return replacing({
    state(options) {
      const node = participant(options)
      return { ...node, quorum: { has: (nodes) => enough(node.log.configuration.configuration).has(nodes) } }
    },
  })
}

/** Runs a rule as if all entries of the leader's log were committed. */
function asIfCommitted(node: Participant, rule: (node: Participant) => void): void {
  const { commitIndex } = node
  node.commitIndex = node.log.last.index
  rule(node)
  node.commitIndex = commitIndex
}

/** Wrong ways to begin a cluster, and to take nodes in. */
const wrongBeginnings: readonly WrongRule[] = [
  {
    name: 'every-node-founds',
    what: 'a node that knows of no cluster founds one: there are as many as nodes, and each says OK for itself',
    stage: beginning((node, { recovered }) => {
      const isBlank = recovered.term === 0 && recovered.entries.length === 0
      Object.assign(node, { founders: [node.self], founding: isBlank ? new Set() : null })
    }),
    caught: {
      claim: 'who was not told to founds nothing: a blank node neither stands nor votes, however long it waits (E13)',
    },
  },
  {
    name: 'founder-asks-nobody',
    what: 'who is told to found a cluster asks nobody: when its disk is lost, it founds another beside the first',
    stage: replacing({
      tick: [
        ...right.tick,
        (node) => {
          for (const { id } of node.founders) node.founding?.add(id)
          foundCluster(node)
        },
      ],
    }),
    caught: {
      claim:
        'a founder that lost its disk, and is told to found again, founds no second cluster beside the first (E10, E13)',
    },
  },
  {
    name: 'newcomer-not-asked',
    what: 'a newcomer is taken in as whoever it was said to be: a wrong address costs a voter, and two of them the quorum',
    stage: advancing((node) => {
      const voters = node.change?.voters.map((one) => ({ ...one, incarnation: one.incarnation ?? one.id }))
      if (node.change && voters) node.change = { ...node.change, voters }
      advanceChange(node)
    }),
    caught: {
      claim: 'nothing is changed before a newcomer has said who it is; for one that is silent, nothing at all (E9)',
    },
  },
  {
    name: 'votes-before-it-has-the-log',
    what: 'a newcomer votes at once: until it has the whole log, nothing is committed that needs it',
    stage: advancing((node) => {
      const at = { number: 1, target: 0, since: node.ticks, reached: '', movedAt: node.ticks }
      for (const { id } of node.change?.voters ?? []) node.change!.rounds.set(id, { ...at })
      advanceChange(node)
    }),
    caught: {
      claim: 'a learner is a voter when its last round took less time than a leader may be silent (thesis 4.2.1)',
    },
  },
  {
    name: 'learners-counted',
    what: 'whoever has an entry is counted: what a newcomer and too few voters hold is OK, and the next leader lacks it',
    stage: counting(({ voters, outgoing, learners }) => {
      const isHeld = (set: readonly Server[], nodes: ReadonlySet<string>) =>
        [...set, ...learners].filter(({ id }) => nodes.has(id)).length * 2 > set.length
      return { has: (nodes) => [voters, outgoing ?? voters].every((set) => isHeld(set, nodes)) }
    }),
    caught: { guarantee: 'G8', climate: 'churn', seeds: 40 },
  },
  {
    name: 'blank-nodes-stand',
    what: 'whoever hears no leader stands for election, also who is no voter: newcomers depose the leader that feeds them',
    stage: standingBy(campaignAfterSilence),
    caught: {
      claim: 'who was not told to founds nothing: a blank node neither stands nor votes, however long it waits (E13)',
    },
  },
]

/** Wrong ways from one set of voters to another. */
const wrongChanges: readonly WrongRule[] = [
  {
    name: 'no-joint-consensus',
    what: 'the new voters take over from one entry to the next: for a moment two majorities know nothing of each other',
    stage: advancing((node) => {
      const { index } = node.log.last
      advanceChange(node)
      const { configuration } = node.log.configuration
      if (node.log.last.index === index || !configuration.outgoing) return
      node.log.truncate(index + 1)
      const records = node.effects.persist!.records.slice(0, -1)
      node.effects.persist = records.length > 0 ? { records, upTo: node.log.last } : null
      appendConfiguration(node, { ...configuration, outgoing: null })
    }),
    caught: { claim: 'a newcomer learns first, then both sets count, then it is a voter like all' },
  },
  {
    name: 'new-voters-alone',
    what: 'in the middle of a change a majority of the new voters is enough: the old ones may elect another leader',
    stage: counting(({ voters }) => majority(idsOf(voters))),
    caught: { guarantee: 'G8', climate: 'churn', seeds: 60 },
  },
  {
    name: 'old-voters-alone',
    what: 'until a change is over the old voters decide alone: what they have committed, the new ones may lack',
    stage: counting(({ voters, outgoing }) => majority(idsOf(outgoing ?? voters))),
    caught: { guarantee: 'G8', climate: 'churn', seeds: 10 },
  },
  {
    name: 'joint-left-too-early',
    what: 'the old voters are let go before a majority of them knows of the new: they go on as if nothing had happened',
    stage: advancing((node) => {
      if (node.role === 'leader' && node.log.configuration.configuration.outgoing) asIfCommitted(node, advanceChange)
      else advanceChange(node)
    }),
    caught: { claim: 'joint: it is left when it is committed, and not before, by whoever leads (§6, E14)' },
  },
  {
    name: 'change-before-own-entry',
    what: 'a new leader changes the members before an entry of its term is committed: another may be doing so as well',
    stage: advancing((node) => {
      if (node.role === 'leader' && node.log.configuration.index <= node.commitIndex) asIfCommitted(node, advanceChange)
      else advanceChange(node)
    }),
    caught: { claim: 'no step is taken before an entry of the own term is committed: the schedule of 2015 (E1)' },
  },
  {
    name: 'two-changes-at-once',
    what: 'who asks for another change while one is under way is heard: the first is forgotten, and who waits for it',
    stage: replacing({
      requests: {
        ...right.requests,
        add_node(node, request) {
          if (node.role === 'leader') node.change = null
          addNode(node, request)
        },
      },
    }),
    caught: { claim: 'one change at a time; who asks for the one that is under way waits for it as well (E2)' },
  },
  {
    name: 'waiting-for-a-change-for-ever',
    what: 'a deposed leader says nothing to those who wait for a change: they never learn what became of it',
    stage: advancing((node) => {
      if (node.role !== 'leader') node.change = null
      advanceChange(node)
    }),
    caught: { claim: 'a deposed leader tells those who wait for a change that it cannot know (E6)' },
  },
]

/** A wrong log: the latest configuration ever appended stays in force, even after its entry was truncated. */
class StubbornLog extends MembersLog {
  #latest: Placed | null = null

  override append(entry: Entry): void {
    super.append(entry)
    if (super.configuration.index === entry.index) this.#latest = super.configuration
  }

  override get configuration(): Placed {
    return this.#latest ?? super.configuration
  }
}

/**
 * A wrong log: after a restart, configurations behind the newest snapshot are ignored, since they may not be committed.
 */
class ForgetfulLog extends MembersLog {
  readonly #performed: number
  readonly #began: number

  constructor(recovered: Recovered) {
    super(recovered)
    this.#performed = recovered.snapshots[0]?.index ?? 0
    this.#began = recovered.entries.at(-1)?.index ?? 0
  }

  override get configuration(): Placed {
    const { index } = super.configuration
    return index > this.#began ? super.configuration : this.configurationAt(Math.max(this.#performed, this.edge.index))
  }
}

/** Wrong ways to keep the members in the log. */
const wrongLogs: readonly WrongRule[] = [
  {
    name: 'taken-back-and-still-in-force',
    what: 'a configuration stays in force when its entry is taken back: the node counts voters that never were any',
    stage: knowing(StubbornLog),
    caught: { claim: 'a configuration is in force when it is appended, and not any more when it is taken back (E3)' },
  },
  {
    name: 'forgotten-after-restart',
    what: 'a node that starts again goes by what is certainly committed: it votes in a cluster that is no more',
    stage: knowing(ForgetfulLog),
    caught: { guarantee: 'G11', climate: 'churn', seeds: 20 },
  },
  {
    name: 'snapshot-without-members',
    what: 'a snapshot holds the store and not the members: who starts from it belongs to nothing',
    stage: replacing({ verbs: { ...right.verbs, header: headerOfEdge } }),
    caught: { guarantee: 'G10', climate: 'churn', seeds: 10 },
  },
  {
    name: 'snapshot-with-later-members',
    what: 'a snapshot holds the members of the moment, not those of its last entry: what is taken back later is in it',
    stage: replacing({
      verbs: {
        ...right.verbs,
        header(node, id) {
          const { index, configuration } = node.log.configuration
          return { ...headerOfEdge(node, id), configurationIndex: index, configuration }
        },
      },
    }),
    caught: {
      claim:
        'a snapshot that is taken in the middle of a change holds what was in force there, and brings it along (D7)',
    },
  },
]

/** Wrong rules for a cluster whose members change. */
export const wrongMembership: readonly WrongRule[] = [...wrongBeginnings, ...wrongChanges, ...wrongLogs]
