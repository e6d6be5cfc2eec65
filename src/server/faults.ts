import type { NodeId } from '../contracts.js'
import type { Direction } from '../network/faults.js'

declare module '../events.js' {
  interface EventDetails {
    killed: object
    /** The process has ended as it was asked to. */
    ended: object
    restarted: { pid?: number | undefined }
    wiped: object
    paused: object
    resumed: object
    /** Links are cut, each named as `n1>n2`: messages sent in this direction are lost. */
    cut: { links: readonly string[] }
    healed: object
  }
}

type NodeFault = 'kill' | 'stop' | 'restart' | 'pause' | 'resume' | 'wipe' | 'split'

/** A fault done to a cluster by a person, a script or a simulation: all three use one vocabulary. */
export type Fault =
  | { readonly word: NodeFault; readonly nodes: readonly NodeId[] }
  | { readonly word: 'cut'; readonly from: NodeId; readonly to: NodeId; readonly bothWays: boolean }
  | { readonly word: 'heal' }

/**
 * A cluster that faults can be done to: a cluster of processes, or a simulated one. Each method answers with a `Done`.
 */
export interface Breakable<Done> {
  kill(id: NodeId): Done
  stop(id: NodeId): Done
  restart(id: NodeId): Done
  wipe(id: NodeId): Done
  pause(id: NodeId): Done
  resume(id: NodeId): Done
  cut(from: NodeId, to: NodeId, bothWays: boolean): Done
  split(nodes: readonly NodeId[]): Done
  heal(): Done
}

/** One step of a fault. */
export interface Act<Done> {
  /** The node that the step is done to; null if it is done to links. */
  readonly node: NodeId | null
  readonly perform: () => Done
}

/** Splits a fault into acts: one act for each node named, and none twice. */
export function actsOf<Done>(target: Breakable<Done>, fault: Fault): Act<Done>[] {
  if (fault.word === 'heal') return [{ node: null, perform: () => target.heal() }]
  if (fault.word === 'cut') return [{ node: null, perform: () => target.cut(fault.from, fault.to, fault.bothWays) }]
  if (fault.word === 'split') return [{ node: null, perform: () => target.split(fault.nodes) }]
  const { word } = fault
  return [...new Set(fault.nodes)].map((node) => ({ node, perform: () => target[word](node) }))
}

export const faultWords = {
  kill: { usage: 'kill n3 [n4 …]', help: 'end the process of n3 at once (SIGKILL)' },
  stop: {
    usage: 'stop n3 [n4 …]',
    help: 'ask n3 to end (SIGTERM): it answers its clients first, and from stage 10 on a leader hands over',
  },
  restart: {
    usage: 'restart n3 [n4 …]',
    help: 'start the dead n3 again; `restart all`: each node in turn, the leader last, and from stage 10 on no call is lost',
  },
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

/** Parses a line of fault words to a fault, or gives the sentence that tells its usage. */
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

/** Formats a fault as the line that {@link parseFault} reads. */
export function formatFault(fault: Fault): string {
  if (fault.word === 'heal') return 'heal'
  if (fault.word === 'cut') return `cut ${fault.from}${fault.bothWays ? '' : ' >'} ${fault.to}`
  return `${fault.word} ${fault.nodes.join(' ')}`
}

/** Lists the links that are cut when these nodes are split off from the others. */
export function linksBetween(nodes: readonly NodeId[], all: readonly NodeId[]): Direction[] {
  const others = all.filter((id) => !nodes.includes(id))
  return nodes.flatMap((one) => others.flatMap((other): Direction[] => [`${one}>${other}`, `${other}>${one}`]))
}
