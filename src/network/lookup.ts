import type { LookupAddress } from 'node:dns'
import { lookup as askSystem } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'

/**
 * Look-ups at the same time. A look-up that hangs cannot be cancelled, and holds one of four threads that the disk
 * needs, too.
 */
const atOnce = 2
/** Milliseconds after which the last answer for a name is taken in the place of one that has not come. */
const patienceMs = 200

type Find = (host: string) => Promise<LookupAddress[]>

/** Does a task later. @returns a function that cancels it */
type After = (ms: number, task: () => void) => () => void

/**
 * Look-ups of host names: a bounded number at a time, and one for each name. A second caller for the same name waits
 * for the look-up that is under way. The last answer for a name is kept: it stands in where the resolver is silent, or
 * says that it cannot tell at present. For a name that was never found, the callers decide how long they wait.
 */
export class Lookups {
  readonly #find: Find
  readonly #after: After
  readonly #known = new Map<string, LookupAddress[]>()
  readonly #underWay = new Map<string, Promise<LookupAddress[]>>()
  readonly #queue: (() => void)[] = []
  #running = 0

  constructor(find: Find, after: After = afterwards) {
    this.#find = find
    this.#after = after
  }

  /** Looks a name up. @returns every address of the name, in the system's order; rejects as the system does */
  async find(host: string): Promise<LookupAddress[]> {
    const fresh = this.#fresh(host)
    const known = this.#known.get(host)
    if (!known) return fresh
    let cancel = () => {}
    const late = new Promise<LookupAddress[]>((resolve) => {
      cancel = this.#after(patienceMs, () => resolve(known))
    })
    const atPresent = fresh.catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EAI_AGAIN') throw error
      return known
    })
    return Promise.race([atPresent, late]).finally(cancel)
  }

  /** Asks the system, unless it is being asked for this name already. */
  #fresh(host: string): Promise<LookupAddress[]> {
    const standing = this.#underWay.get(host)
    if (standing) return standing
    const found = this.#inTurn(() => this.#find(host)).finally(() => this.#underWay.delete(host))
    this.#underWay.set(host, found)
    found.then(
      (addresses) => this.#known.set(host, addresses),
      ({ code }: NodeJS.ErrnoException) => code !== 'EAI_AGAIN' && this.#known.delete(host),
    )
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

/** Does a task later, for which alone no process stays alive. */
function afterwards(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms).unref()
  return () => clearTimeout(timer)
}

/** The look-ups of this process. */
export const lookups = new Lookups((host) => askSystem(host, { all: true }))

/** A look-up through {@link lookups}, in the form that sockets take. */
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
