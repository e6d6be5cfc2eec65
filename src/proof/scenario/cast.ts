import type { NodeId } from '../../contracts.js'
import type { SeededRandom } from '../simulation/random.js'
import type { Driver, Place } from './scenario.js'

/** Words that a script may use for a node; `3 followers` stands for three times `follower`. */
const nodeWords = ['leader', 'follower', 'any']

export const isNodeWord = (word: string) => nodeWords.includes(word)
const isPlural = (word: string | undefined) => word === 'followers'

/** The cast of a play: the nodes that the words mean at this moment, and the names that the script has given. */
export class Cast {
  readonly #driver: Driver
  readonly #random: SeededRandom
  readonly #names = new Map<string, NodeId>()
  /** The leader that a line last found; null if it found none. */
  seen: Place | null = null

  constructor(driver: Driver, random: SeededRandom) {
    this.#driver = driver
    this.#random = random
  }

  /**
   * Finds the present leader; of two nodes that think they lead, the one elected last. Where each node stands alone,
   * the first.
   */
  async leader(): Promise<Place | null> {
    const places = await this.#driver.places()
    this.seen = leaderOf(places)
    return this.seen
  }

  /** Finds the nodes that these words mean, none of them twice; null if a word means no node now. */
  async find(words: readonly string[]): Promise<NodeId[] | null> {
    if (words.every((word) => this.#driver.nodes.includes(word))) return [...words]
    const places = expand(words).some(isNodeWord) ? await this.#driver.places() : []
    if (places.length > 0) this.seen = leaderOf(places)
    const leader = this.seen?.node
    const running = places.filter(({ outsider }) => !outsider).map(({ node }) => node)
    const meant = expand(words)
    const isFollower = (node: NodeId) => node !== leader && !meant.some((word) => this.#named(word) === node)
    const followers = running.filter(isFollower).slice(-meant.filter((word) => word === 'follower').length)
    const found: NodeId[] = []
    for (const word of meant) {
      const left = running.filter((node) => !found.includes(node))
      if (word === 'leader') found.push(leader ?? '')
      else if (word === 'follower') found.push(followers.shift() ?? '')
      else if (word === 'any') found.push(left.length > 0 ? this.#random.pick(left) : '')
      else found.push(this.#named(word))
    }
    return found.every((node) => this.#driver.nodes.includes(node)) ? found : null
  }

  #named(word: string): NodeId {
    return this.#names.get(word) ?? word
  }

  name(names: readonly string[], nodes: readonly NodeId[]): void {
    for (const [at, name] of names.entries()) this.#names.set(name, nodes[at]!)
  }
}

export function leaderOf(places: readonly Place[]): Place | null {
  if (places.every(({ role }) => role === 'standalone')) return places[0] ?? null
  return places.filter(({ role }) => role === 'leader').reduce(later, null)
}

function later(one: Place | null, other: Place): Place {
  return one !== null && one.term >= other.term ? one : other
}

/** Expands plurals: `2 followers` becomes `follower follower`. */
export function expand(words: readonly string[]): string[] {
  return words.flatMap((word, at) => {
    if (/^\d+$/.test(word) && isPlural(words[at + 1])) return []
    return isPlural(word) ? Array.from({ length: Number(words[at - 1]) }, () => 'follower') : [word]
  })
}

/** Finds the first of these words that can never mean a node; `named` are the names given so far. */
export function strangerIn(words: readonly string[], nodes: readonly NodeId[], named: ReadonlySet<string>) {
  return expand(words).find((word) => !nodes.includes(word) && !isNodeWord(word) && !named.has(word))
}

/** Checks that a node knows the leader, if its stage has one: then a play can begin. */
export function knowsItsPlace({ node, role, leader, outsider }: Place): boolean {
  return outsider || role === 'standalone' || role === 'leader' || (leader !== null && leader !== node)
}
