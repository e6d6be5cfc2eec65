import type { NodeId } from '../contracts.js'
import type { Direction } from '../network/faults.js'

declare module '../events.js' {
  interface EventDetails {
    killed: object
    restarted: { pid?: number | undefined }
    wiped: object
    paused: object
    resumed: object
    /** Links as `n1>n2`: what is sent that way is lost. */
    cut: { links: readonly string[] }
    healed: object
  }
}

/** Something that is done to a cluster, by a person, a script or a simulation: one vocabulary for all of them. */
export type Fault =
  | { readonly word: 'kill' | 'restart' | 'pause' | 'resume' | 'wipe' | 'split'; readonly nodes: readonly NodeId[] }
  | { readonly word: 'cut'; readonly from: NodeId; readonly to: NodeId; readonly bothWays: boolean }
  | { readonly word: 'heal' }

/** A cluster that faults can be done to: of processes, or a simulated one. `Done` is what each answers with. */
export interface Breakable<Done> {
  kill(id: NodeId): Done
  restart(id: NodeId): Done
  wipe(id: NodeId): Done
  pause(id: NodeId): Done
  resume(id: NodeId): Done
  cut(from: NodeId, to: NodeId, bothWays: boolean): Done
  split(nodes: readonly NodeId[]): Done
  heal(): Done
}

/** One step of a fault: what is done, and to which node, if it is done to one. */
export interface Act<Done> {
  readonly node: NodeId | null
  readonly perform: () => Done
}

/** What a fault does to a cluster: an act for each node concerned, none twice. */
export function actsOf<Done>(target: Breakable<Done>, fault: Fault): Act<Done>[] {
  if (fault.word === 'heal') return [{ node: null, perform: () => target.heal() }]
  if (fault.word === 'cut') return [{ node: null, perform: () => target.cut(fault.from, fault.to, fault.bothWays) }]
  if (fault.word === 'split') return [{ node: null, perform: () => target.split(fault.nodes) }]
  const { word } = fault
  return [...new Set(fault.nodes)].map((node) => ({ node, perform: () => target[word](node) }))
}

export const faultWords = {
  kill: { usage: 'kill n3 [n4 …]', help: 'end the process of n3 at once (SIGKILL)' },
  restart: { usage: 'restart n3 [n4 …]', help: 'start the dead n3 again' },
  pause: { usage: 'pause n3 [n4 …]', help: 'stop n3 in its tracks (SIGSTOP): it neither answers nor refuses' },
  resume: { usage: 'resume n3 [n4 …]', help: 'let the paused n3 go on (SIGCONT)' },
  wipe: {
    usage: 'wipe n3 [n4 …]',
    help: 'replace the disk of the dead n3 by an empty one; dangerous: it forgets its vote, and may vote twice',
  },
  cut: { usage: 'cut n1 n2, cut n1 > n2', help: 'lose all messages between n1 and n2, or those one way' },
  split: { usage: 'split n1 [n2 …]', help: 'lose all messages between these and all the others' },
  heal: { usage: 'heal', help: 'mend every cut link' },
} as const

export type FaultWord = keyof typeof faultWords

export function isFaultWord(word: string): word is FaultWord {
  return Object.hasOwn(faultWords, word)
}

/** A line of fault words as a fault, or the sentence that says how it is used. */
export function parseFault(line: string): Fault | { readonly problem: string } {
  const [word = '', ...names] = line.replaceAll('>', ' > ').trim().split(/\s+/)
  if (!isFaultWord(word)) {
    return { problem: `no fault word ${JSON.stringify(word)}; there are ${Object.keys(faultWords).join(' ')}` }
  }
  const fault = word === 'heal' ? parseHeal(names) : word === 'cut' ? parseCut(names) : parseNodes(word, names)
  return fault ?? { problem: `usage: ${faultWords[word].usage}` }
}

const isName = (name: string | undefined): name is NodeId => name !== undefined && /^\w+$/.test(name)

function parseHeal(names: readonly string[]): Fault | null {
  return names.length === 0 ? { word: 'heal' } : null
}

function parseNodes(word: Exclude<FaultWord, 'cut' | 'heal'>, names: readonly string[]): Fault | null {
  return names.length > 0 && names.every(isName) ? { word, nodes: names } : null
}

function parseCut([from, second, third, ...rest]: readonly string[]): Fault | null {
  const bothWays = second !== '>'
  const to = bothWays ? second : third
  if (!isName(from) || !isName(to) || rest.length > 0 || (bothWays && third !== undefined)) return null
  return { word: 'cut', from, to, bothWays }
}

/** A fault as the line that says it. */
export function formatFault(fault: Fault): string {
  if (fault.word === 'heal') return 'heal'
  if (fault.word === 'cut') return `cut ${fault.from}${fault.bothWays ? '' : ' >'} ${fault.to}`
  return `${fault.word} ${fault.nodes.join(' ')}`
}

/** The links that carry nothing any more when these nodes are split off from the others. */
export function linksBetween(nodes: readonly NodeId[], all: readonly NodeId[]): Direction[] {
  const others = all.filter((id) => !nodes.includes(id))
  return nodes.flatMap((one) => others.flatMap((other): Direction[] => [`${one}>${other}`, `${other}>${one}`]))
}
