import type { LookupAddress } from 'node:dns'
import { lookup as askSystem } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'

/** A look-up that hangs cannot be called off, and holds one of the four threads on which the disk works as well. */
const atOnce = 2

type Find = (host: string) => Promise<LookupAddress[]>

/**
 * Look-ups of names, a bounded number at a time, and one for each name: who asks for a name again while it is looked up
 * waits for the same answer. How long to wait is a matter of those who ask.
 */
export class Lookups {
  readonly #find: Find
  readonly #underWay = new Map<string, Promise<LookupAddress[]>>()
  readonly #queue: (() => void)[] = []
  #running = 0

  constructor(find: Find) {
    this.#find = find
  }

  /** @returns every address of a name, as the system has them; rejects as the system does */
  find(host: string): Promise<LookupAddress[]> {
    const standing = this.#underWay.get(host)
    if (standing) return standing
    const found = this.#inTurn(() => this.#find(host)).finally(() => this.#underWay.delete(host))
    this.#underWay.set(host, found)
    return found
  }

  async #inTurn<T>(look: () => Promise<T>): Promise<T> {
    if (this.#running >= atOnce) await new Promise<void>((resolve) => this.#queue.push(resolve))
    else this.#running++
    try {
      return await look()
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#running--
    }
  }
}

/** Those of this process. */
export const lookups = new Lookups((host) => askSystem(host, { all: true }))

/** The same, as sockets want it. */
export const lookup: LookupFunction = (host, { family, all }, done) => {
  const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family
  lookups.find(host).then(
    (found) => {
      const fitting = found.filter((one) => !wanted || one.family === wanted)
      const [first] = fitting
      if (!first) done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }), [])
      else if (all) done(null, fitting)
      else done(null, first.address, first.family)
    },
    (error) => done(error, []),
  )
}
