import type { Cluster } from '../src/cluster.js'
import type { Event } from '../src/contracts.js'
import { UsageError } from './words.js'

/** What can be done to the nodes of a cluster that we started ourselves. */
export const faultWords = {
  kill: { usage: 'kill n3', help: 'end the process of n3 at once (SIGKILL)' },
  restart: { usage: 'restart n3', help: 'start the dead n3 again' },
  pause: { usage: 'pause n3', help: 'stop n3 in its tracks (SIGSTOP): it neither answers nor refuses' },
  resume: { usage: 'resume n3', help: 'let the paused n3 go on (SIGCONT)' },
  cut: { usage: 'cut n1 n2, cut n1 > n2', help: 'lose all messages between n1 and n2, or those one way' },
  heal: { usage: 'heal', help: 'mend every cut link' },
} as const

export type FaultWord = keyof typeof faultWords

export function isFaultWord(word: string): word is FaultWord {
  return Object.hasOwn(faultWords, word)
}

/**
 * Does what a line of fault words says, and answers with what happened.
 *
 * @throws UsageError if it says nothing of the kind; ConfigError if that node is not in a state for it
 */
export async function performFault(cluster: Cluster, line: string): Promise<Event> {
  const [word = '', ...names] = line.replaceAll('>', ' > ').trim().split(/\s+/)
  if (!isFaultWord(word)) {
    throw new UsageError(`no fault word ${JSON.stringify(word)}; there are ${Object.keys(faultWords).join(' ')}`)
  }
  const [first, second, third] = names
  const wrong = () => new UsageError(`usage: ${faultWords[word].usage}`)
  if (word === 'heal' && names.length === 0) return cluster.heal()
  if (word === 'cut' && first && second && second !== '>' && names.length === 2) return cluster.cut(first, second, true)
  if (word === 'cut' && first && second === '>' && third && names.length === 3) return cluster.cut(first, third, false)
  if (word === 'heal' || word === 'cut' || !first || names.length !== 1) throw wrong()
  return cluster[word](first)
}
