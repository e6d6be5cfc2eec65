import type { NodeId, Request } from '../../../src/contracts.js'
import { replaced, type Stage } from '../../../src/stage.js'
import { campaignAfterSilence } from '../../../stages/6-leader-election/campaign.js'
import { advanceChange } from '../../../stages/8-membership/advance-change.js'
import { addNode, ask, candidate, goal, goalWithout } from '../../../stages/8-membership/ask-change.js'
import { appendConfiguration } from '../../../stages/8-membership/change-voters.js'
import { type Configuration, idsOf } from '../../../stages/8-membership/configuration.js'
import { retire } from '../../../stages/8-membership/end-change.js'
import { campaignIfVoter } from '../../../stages/8-membership/loyalty.js'
import { standing } from '../../../stages/8-membership/standing.js'
import type { AddNode } from '../../../stages/10-production/commands.js'
import { addMember, demote } from '../../../stages/10-production/learners.js'
import { type ProductionNode, productionNode } from '../../../stages/10-production/production-node.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

/** A stage whose leaders perform one command by another rule. */
function performing(command: string, perform: (node: ProductionNode, request: Request) => void): Stage {
  return replacing({ requests: { ...right.requests, [command]: perform } })
}

/** A stage whose leaders take the steps of a change by another rule. */
function advancing(advance: (node: ProductionNode) => void): Stage {
  return replacing({ turn: replaced(right.turn, advanceChange, advance) })
}

/** A stage whose nodes go by another quorum. */
function counting(isEnough: (nodes: ReadonlySet<NodeId>, configuration: Configuration) => boolean): Stage {
  return replacing({
    state(options) {
      const node = productionNode(options)
      return { ...node, quorum: { has: (nodes) => isEnough(nodes, node.log.configuration.configuration) } }
    },
  })
}

/** Wrong ways to have learners that stay. */
export const wrongLearners: readonly WrongRule[] = [
  {
    name: 'learner-votes-in-the-end',
    what: 'a node that was to stay a learner becomes a voter once it has caught up, as each newcomer of stage 8 does',
    stage: performing('add_node', addNode),
    caught: { claim: 'a learner stays one: it has all entries, and is a voter for nobody, however long it is well' },
  },
  {
    name: 'learners-are-counted',
    what: 'whoever has an entry is counted, also who only learns: it is committed without a majority of the voters',
    stage: counting((nodes, { voters, learners }) => {
      const counted = idsOf([...voters, ...learners]).filter((id) => nodes.has(id))
      return counted.length * 2 > voters.length
    }),
    caught: {
      claim:
        'no quorum counts a learner: an entry that it alone has is not committed, and it keeps no leader in office',
    },
  },
  {
    name: 'learners-stand',
    what: 'a learner that hears nobody stands for election, and asks on without end for votes that elect nobody',
    stage: replacing({
      tick: replaced(right.tick, campaignIfVoter, (node) => {
        if (standing(node) === 'learner') campaignAfterSilence(node)
        else campaignIfVoter(node)
      }),
    }),
    caught: { claim: 'a learner stands for no election, and its vote elects nobody' },
  },
  {
    name: 'learners-forgotten',
    what: 'the next change of voters leaves no learner, as at stage 8: a read-only copy is gone, and nobody asked for it',
    stage: performing('add_node', (node, request) => {
      const { role, node: id, client, peer } = request.command as AddNode & Request['command']
      if (role === 'learner') return addMember(node, request)
      const { voters } = goalWithout(node, id)
      ask(node, request, { voters: [...voters, candidate(node, { id, client, peer })], learners: [] })
    }),
    caught: { claim: 'a learner is kept through other changes, elections and restarts' },
  },
  {
    name: 'promoted-before-it-is-near',
    what: 'a learner votes as soon as it is promoted, wherever its log is: with it goes a majority that can commit',
    stage: advancing((node) => {
      const at = { number: 1, target: 0, since: node.ticks, reached: '', movedAt: node.ticks }
      for (const { id } of node.change?.voters ?? []) node.change!.rounds.set(id, { ...at })
      advanceChange(node)
    }),
    caught: {
      claim: 'a promoted learner votes, when it is near enough the end; one that is away stays a learner',
    },
  },
  {
    name: 'demoted-in-one-step',
    what: 'a voter is demoted without both sets of voters: with two of them, two leaders may find a majority each (§6)',
    stage: performing('demote', (node, request) => {
      const { voters, learners } = node.log.configuration.configuration
      const demoted = voters.find(({ id }) => id === request.command.node)
      if (node.role === 'leader' && demoted && voters.length > 1 && node.change === null)
        appendConfiguration(node, {
          voters: voters.filter((one) => one !== demoted),
          outgoing: null,
          learners: [...learners, { ...demoted, stays: true }],
        })
      demote(node, request)
    }),
    caught: { claim: 'a demoted voter counts no more, through both sets of voters, and is sent all as before' },
  },
  {
    name: 'demoted-is-removed',
    what: 'a demoted voter is taken out of the cluster, and nobody sends it anything any more',
    stage: performing('demote', (node, request) => {
      const { voters, learners } = goal(node)
      ask(node, request, { voters: voters.filter(({ id }) => id !== request.command.node), learners })
    }),
    caught: { claim: 'a demoted voter counts no more, through both sets of voters, and is sent all as before' },
  },
  {
    name: 'demoted-leader-drops-its-office',
    what: 'a leader that is demoted leaves at once, hands over to nobody, and an election time-out passes without a leader',
    stage: replacing({ verbs: { ...right.verbs, retire } }),
    caught: { claim: 'a leader that is demoted hands over, and goes on as a learner' },
  },
  {
    name: 'demoted-leader-leads-on',
    what: 'a leader that is demoted goes on leading: its majority is one of voters to which it does not belong',
    stage: replacing({ verbs: { ...right.verbs, retire: () => {} } }),
    caught: { claim: 'a leader that is demoted hands over, and goes on as a learner' },
  },
]
