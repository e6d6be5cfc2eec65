import type { Clock } from '../contracts.js'
import { type Pace, TokenBucket } from './pacing.js'

/** The pace of wrong tokens from one network: ten at once, one a second. */
const paceOfOne: Pace = { perMs: 1 / 1_000, burst: 10 }
/** The pace of wrong tokens from all networks together. */
const paceOfAll: Pace = { perMs: 20 / 1_000, burst: 200 }
/** Networks whose wrong tokens are counted; the one that was wrong longest ago makes room. */
const mostNetworks = 1_024

/**
 * Counts wrong tokens, of each network and of all together. Only what is wrong is counted and held up: a right token
 * passes at once, so nobody locks out others who stand behind the same address.
 */
export class Guesses {
  readonly #clock: Clock
  readonly #all: TokenBucket
  readonly #networks = new Map<string, TokenBucket>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#all = new TokenBucket(paceOfAll, clock)
  }

  /** Networks that are counted at present. */
  get size(): number {
    return this.#networks.size
  }

  /** Counts a wrong token. @returns whether it is within the pace */
  count(remote: string | undefined): boolean {
    const network = networkOf(remote ?? '')
    const own = this.#networks.get(network) ?? new TokenBucket(paceOfOne, this.#clock)
    this.#networks.delete(network)
    const [oldest] = this.#networks.keys()
    if (oldest !== undefined && this.#networks.size >= mostNetworks) this.#networks.delete(oldest)
    this.#networks.set(network, own)
    if (own.isEmpty || this.#all.isEmpty) return false
    own.take(1)
    this.#all.take(1)
    return true
  }
}

/**
 * The network of an address: an address of IPv4 alone; of IPv6 the first 64 bits, because one customer has all addresses
 * behind them.
 */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address
  const [head = '', tail] = address.split('%', 1)[0]!.split('::')
  const groups = head === '' ? [] : head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').filter(Boolean).length
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...(tail ?? '').split(':').filter(Boolean)]
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
