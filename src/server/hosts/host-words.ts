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
    /** The line of a host carries so many bits a second at most, each way, in the units of tc(8); null for no bound. */
    narrowed: { rate: string | null }
    /** Packets of a host take so many milliseconds longer, drawn anew for each; 0 and 0 end it. */
    delayed: { minMs: number; maxMs: number }
    /** Packets take so many milliseconds from one of these groups of hosts to another. */
    apart: { sites: readonly (readonly NodeId[])[]; ms: number }
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
  rate: {
    usage: 'rate n3 1mbit, rate n3 off',
    help: 'the line of n3 carries so many bits a second, each way, in the units of tc(8)',
  },
  delay: {
    usage: 'delay n3 [n4 …] 50ms, delay n3 40..60ms, delay n3 off',
    help: 'what n3 sends takes 50 ms longer, or a time drawn for each packet, so they overtake each other; no name: all',
  },
  sites: {
    usage: 'sites 50ms n1,n2 n3,n4, sites off',
    help: 'packets take 50 ms from one of these sites to another; hosts that are not named are one more site',
  },
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
  if (word === 'delay') return delay(hosts, [first, ...rest])
  if (word === 'sites') return part(hosts, first, rest)
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
  const isOff = words[0] === 'off'
  if (word === 'rate') {
    const rate = isOff ? null : words[0]!
    const line = rate === null ? null : `tbf rate ${rate} ${slowLine}`
    if (words.length > 1) return null
    await hosts.queue(node, line, line)
    return [{ event: 'narrowed', node, rate }]
  }
  const asked = isOff ? null : `netem ${words.join(' ')}`
  await hosts.queue(node, asked)
  return [{ event: 'queued', node, queue: asked }]
}

/** Parses a time such as `50ms`, or `40..60ms`: from 0 to 60 s, the shorter one first; null for anything else. */
function parseTimes(text: string): { readonly minMs: number; readonly maxMs: number } | null {
  const [, first, second = first] = /^(\d{1,5})(?:\.\.(\d{1,5}))?ms$/.exec(text) ?? []
  const [minMs, maxMs] = [Number(first), Number(second)]
  return minMs <= maxMs && maxMs <= longestMs ? { minMs, maxMs } : null
}

const longestMs = 60_000

async function delay(hosts: Hosts, words: readonly string[]): Promise<Event[] | null> {
  const [time, names] = [words.at(-1)!, words.slice(0, -1)]
  const times = time === 'off' ? { minMs: 0, maxMs: 0 } : parseTimes(time)
  if (times === null) return null
  const nodes = names.length === 0 ? hosts.names() : [...new Set(names)]
  await hosts.delay(nodes, times.maxMs === 0 ? null : times)
  return nodes.map((node) => ({ event: 'delayed', node, ...times }))
}

async function part(hosts: Hosts, time: string, words: readonly string[]): Promise<Event[] | null> {
  const sites = words.map((group) => group.split(','))
  const times = time === 'off' && words.length === 0 ? { minMs: 0, maxMs: 0 } : parseTimes(time)
  const isEachOnce = new Set(sites.flat()).size === sites.flat().length
  if (times === null || times.minMs !== times.maxMs || !isEachOnce || (time !== 'off' && words.length === 0))
    return null
  await hosts.part({ groups: sites, ms: times.maxMs })
  return [{ event: 'apart', sites, ms: times.maxMs }]
}

async function limit(hosts: Hosts, node: NodeId, [digits = '', ...rest]: readonly string[]): Promise<Event[] | null> {
  const mtu = /^\d{2,4}$/.test(digits) ? Number(digits) : Number.NaN
  if (rest.length > 0 || !(mtu >= fewestBytes && mtu <= mostBytes)) return null
  await hosts.limit(node, mtu)
  return [{ event: 'limited', node, mtu }]
}
