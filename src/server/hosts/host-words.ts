import type { Event, NodeId } from '../../contracts.js'
import type { Hosts } from './hosts.js'

declare module '../../events.js' {
  interface EventDetails {
    /** The cable of a host is pulled. */
    unplugged: object
    plugged: object
    /** A host has another address under its old name. */
    moved: { address: string }
    /** The packets that a host sends wait in this queue, in the words of tc(8); null for the usual one. */
    queued: { queue: string | null }
    /** A part of the packets to a host is lost, in percent. */
    lossy: { percent: number }
    /** A host sends and takes packets of so many bytes at most. */
    limited: { mtu: number }
    /** No new connection to a host can be made. */
    deafened: object
    /** Names are found, or whoever asks for one waits for ever. */
    resolver: { silent: boolean }
  }
}

/** Words for faults of hosts, where each node has one of its own. */
export const hostWords = {
  unplug: { usage: 'unplug n3 [n4 …]', help: 'pull the cable of n3: its packets are lost, and nobody is told' },
  plug: { usage: 'plug n3 [n4 …]', help: 'plug it in again' },
  move: { usage: 'move n3 [n4 …]', help: 'give n3 another address under its old name, which others look up' },
  deafen: { usage: 'deafen n3 [n4 …]', help: 'lose the first packet of each connection to n3; those that stand go on' },
  loss: { usage: 'loss n3 5%, loss n3 off', help: 'lose 5 % of the packets to n3' },
  rate: { usage: 'rate n3 1mbit, rate n3 off', help: 'n3 sends so many bits a second at most, in the units of tc(8)' },
  netem: {
    usage: 'netem n3 delay 50ms loss 1%, netem n3 off',
    help: 'delay, lose or reorder what n3 sends, in the words of tc-netem(8), if the kernel has netem',
  },
  mtu: { usage: 'mtu n3 600', help: 'n3 sends and takes packets of 600 bytes at most; longer ones are lost' },
  resolver: { usage: 'resolver silent, resolver back', help: 'whoever looks up a name of a host gets no answer' },
} as const

type HostWord = keyof typeof hostWords

export function isHostWord(word: string): word is HostWord {
  return Object.hasOwn(hostWords, word)
}

/** Faults that are done to each of several hosts, without more words. */
const ofEach = {
  async unplug(hosts: Hosts, node: NodeId): Promise<Event> {
    await hosts.unplug(node)
    return { event: 'unplugged', node }
  },
  async plug(hosts: Hosts, node: NodeId): Promise<Event> {
    await hosts.plug(node)
    return { event: 'plugged', node }
  },
  async move(hosts: Hosts, node: NodeId): Promise<Event> {
    return { event: 'moved', node, address: await hosts.move(node) }
  },
  async deafen(hosts: Hosts, node: NodeId): Promise<Event> {
    await hosts.deafen(node)
    return { event: 'deafened', node }
  },
} as const

/** The packets that Ethernet always carries, and the shortest that IPv4 must (RFC 791). */
const [mostBytes, fewestBytes] = [1_500, 68]

/**
 * Performs a line of these words. @returns an event for each host; or the sentence that tells the usage of the word
 *
 * @throws ConfigError if the hosts are not in a state for it, or the system refuses
 */
export async function performHostFault(hosts: Hosts, line: string): Promise<Event[] | { readonly problem: string }> {
  const [word = '', ...rest] = line.trim().split(/\s+/)
  const events = isHostWord(word) ? await perform(hosts, word, rest) : null
  return events ?? { problem: `usage: ${isHostWord(word) ? hostWords[word].usage : Object.keys(hostWords).join(', ')}` }
}

async function perform(hosts: Hosts, word: HostWord, [first, ...rest]: readonly string[]): Promise<Event[] | null> {
  if (first === undefined) return null
  if (word === 'resolver') return rest.length > 0 ? null : resolver(hosts, first)
  if (word === 'loss') return lose(hosts, first, rest)
  if (word === 'rate' || word === 'netem') return queue(hosts, word, first, rest)
  if (word === 'mtu') return limit(hosts, first, rest)
  const events: Event[] = []
  for (const node of new Set([first, ...rest])) events.push(await ofEach[word](hosts, node))
  return events
}

async function resolver(hosts: Hosts, state: string): Promise<Event[] | null> {
  if (state !== 'silent' && state !== 'back') return null
  await hosts.resolve(state === 'back')
  return [{ event: 'resolver', silent: state === 'silent' }]
}

async function lose(hosts: Hosts, node: NodeId, [part = '', ...rest]: readonly string[]): Promise<Event[] | null> {
  const percent = part === 'off' ? 0 : Number(/^(\d{1,3}(\.\d)?)%$/.exec(part)?.[1])
  if (rest.length > 0 || !(percent <= 100)) return null
  await hosts.lose(node, percent)
  return [{ event: 'lossy', node, percent }]
}

/** The burst of a slow line, and the longest wait at its end: what comes beyond that is lost. */
const slowLine = 'burst 16kb latency 400ms'

async function queue(
  hosts: Hosts,
  word: 'rate' | 'netem',
  node: NodeId,
  words: readonly string[],
): Promise<Event[] | null> {
  if (words.length === 0 || !words.every((one) => /^[a-z0-9.%]+$/i.test(one))) return null
  if (word === 'rate' && words.length > 1) return null
  const wanted = word === 'rate' ? `tbf rate ${words[0]} ${slowLine}` : `netem ${words.join(' ')}`
  const asked = words[0] === 'off' ? null : wanted
  await hosts.queue(node, asked)
  return [{ event: 'queued', node, queue: asked }]
}

async function limit(hosts: Hosts, node: NodeId, [digits = '', ...rest]: readonly string[]): Promise<Event[] | null> {
  const mtu = /^\d{2,4}$/.test(digits) ? Number(digits) : Number.NaN
  if (rest.length > 0 || !(mtu >= fewestBytes && mtu <= mostBytes)) return null
  await hosts.limit(node, mtu)
  return [{ event: 'limited', node, mtu }]
}
