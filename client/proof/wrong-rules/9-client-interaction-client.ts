import type { ClientRules } from '../../../src/contracts.js'
import type { Stage } from '../../../src/stage.js'
import { answeredInSession } from '../../../stages/9-client-interaction/repeat.js'
import type { SessionClient } from '../../../stages/9-client-interaction/session-client.js'
import { takeNumbered } from '../../../stages/9-client-interaction/take-numbered.js'
import { replacing, right } from './9-client-interaction.js'
import type { WrongRule } from './wrong-rule.js'

/** A stage whose clients go by other rules; its nodes are the right ones. */
function asking(rules: Partial<ClientRules<SessionClient>>): Stage {
  return replacing({ client: { ...right.client!, ...rules } })
}

/** Wrong rules for a client with a session. */
export const wrongSessionClients: readonly WrongRule[] = [
  {
    name: 'copies-numbered-anew',
    what: 'a client gives a write that it asks again the next number: for the nodes it is another write, and done twice',
    stage: asking({
      take(client) {
        for (const { message } of client.effects.send) {
          const numbered = client.numbered.get(message.id)
          if (!numbered || numbered.open === 0) continue
          client.numbered.delete(message.id)
          client.numbered.set(message.id, { ...numbered, sequence: client.nextSequence++ })
        }
        return takeNumbered(client)
      },
    }),
    caught: { guarantee: 'G12', climate: 'churn', seeds: 20 },
  },
  {
    name: 'copy-of-an-ended-call',
    what: 'a client whose call ends when another copy is about to leave sends that one all the same, and without its number',
    stage: asking({
      take(client) {
        const { send } = client.effects
        const taken = takeNumbered(client)
        return { ...taken, send: [...taken.send, ...send.filter(({ message }) => !client.calls.has(message.id))] }
      },
    }),
    caught: { claim: 'a copy that was about to leave when the answer came does not leave' },
  },
  {
    name: 'refused-copy-believed',
    what: 'a client takes the refusal of a second copy for the outcome: the first may be done already, or yet',
    stage: asking({
      take(client) {
        for (const { id } of client.effects.settle) {
          const numbered = client.numbered.get(id)
          if (numbered) numbered.open = 0
        }
        return takeNumbered(client)
      },
    }),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 20 },
  },
  {
    name: 'closed-before-the-next-copy',
    what: 'a client that is closed while no copy is on its way says that nothing was done: an earlier copy may yet be',
    stage: asking({
      closed(client) {
        for (const [id, numbered] of client.numbered) if (!client.calls.get(id)?.sent) numbered.open = 0
        right.client!.closed(client)
      },
    }),
    caught: { claim: 'a client that is closed calls a write unknown of which a copy may still happen' },
  },
  {
    name: 'copy-of-an-ended-session-asked-anew',
    what: 'a client whose session has ended asks all its calls in the next: one of them may have been done before',
    stage: asking({
      answered(client, address, id, answer) {
        const numbered = client.numbered.get(id as number)
        if (numbered && !answer.ok && answer.error.code === 'session_expired') numbered.open = 1
        answeredInSession(client, address, id, answer)
      },
    }),
    caught: { guarantee: 'G12', climate: 'churn', seeds: 60 },
  },
  {
    name: 'acknowledges-what-it-waits-for',
    what: 'a client says of each call that it waits for none before it: answers that it has not heard are forgotten',
    stage: asking({
      take(client) {
        const effects = takeNumbered(client)
        const send = effects.send.map(({ address, message }) => {
          const { sequence } = message as { sequence?: unknown }
          return { address, message: sequence === undefined ? message : { ...message, firstOutstanding: sequence } }
        })
        return { ...effects, send }
      },
    }),
    caught: { claim: 'each call names the least number whose answer the client still waits for' },
  },
]
