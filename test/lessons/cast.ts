/**
 * Who plays whom. Where an election decides, another node may lead than the one in the print, in another term. Then the
 * same names and terms must stand for the same nodes and terms from the first line of a run to its last.
 */
export class Cast {
  readonly #isFixed: boolean
  readonly #basePort: number
  #names: Map<string, string>
  #terms: Map<number, number>
  /** Those that were named alone: the others may still change their players. */
  #met = new Set<string>()
  /** While a table is read: a row among equal rows names nobody for good. */
  isSoft = false
  /** While a line is read that chooses among equal nodes, as an election does: who was chosen changes parts with another. */
  isOpen = false

  constructor(isFixed: boolean, basePort: number) {
    this.#isFixed = isFixed
    this.#basePort = basePort
    this.#names = new Map()
    this.#terms = new Map()
  }

  copy(): Cast {
    const copy = new Cast(this.#isFixed, this.#basePort)
    copy.become(this)
    copy.isSoft = this.isSoft
    copy.isOpen = this.isOpen
    return copy
  }

  become(other: Cast): void {
    this.#names = new Map(other.#names)
    this.#terms = new Map(other.#terms)
    this.#met = new Set(other.#met)
  }

  /** The node that plays this one, if that is decided. */
  playerOf(name: string): string | undefined {
    return this.#isFixed ? name : this.#names.get(name)
  }

  /** Whether this node may play that one; from then on it does. */
  name(printed: string, real: string): boolean {
    if (this.#isFixed) return printed === real
    const known = this.#names.get(printed)
    const [other] = [...this.#names].find(([, player]) => player === real) ?? []
    if (known !== real) {
      const isFree = (name: string | undefined) =>
        !this.isSoft && (this.isOpen || name === undefined || !this.#met.has(name))
      if (known !== undefined && !isFree(printed)) return false
      if (other !== undefined && !isFree(other)) return false
      if (other !== undefined && known === undefined) this.#names.delete(other)
      if (other !== undefined && known !== undefined) this.#names.set(other, known)
      this.#names.set(printed, real)
    }
    if (!this.isSoft) this.#met.add(printed)
    return true
  }

  /** The node to name to the cluster: itself, if nobody has met it yet. */
  choose(printed: string): string {
    const known = this.playerOf(printed)
    this.#met.add(printed)
    if (known !== undefined) return known
    const taken = [...this.#names.values()]
    const free = [printed, 'n1', 'n2', 'n3', 'n4', 'n5'].find((name) => !taken.includes(name))!
    this.#names.set(printed, free)
    return free
  }

  /** Names in any order, each of them once. */
  names(printed: readonly string[], real: readonly string[]): boolean {
    if (this.#isFixed) return printed.join() === real.join()
    if (printed.length !== real.length) return false
    const left = new Set(real)
    const wasSoft = this.isSoft
    this.isSoft = true
    try {
      return this.#namesSoftly(printed, left)
    } finally {
      this.isSoft = wasSoft
    }
  }

  #namesSoftly(printed: readonly string[], left: Set<string>): boolean {
    for (const name of printed) {
      const known = this.playerOf(name)
      if (known !== undefined && !left.delete(known)) return false
    }
    const free = printed.filter((name) => this.playerOf(name) === undefined)
    for (const name of free.filter((name) => left.has(name))) if (this.name(name, name)) left.delete(name)
    return free
      .filter((name) => !this.playerOf(name))
      .every((name) => [...left].some((one) => this.#take(name, one, left)))
  }

  #take(printed: string, real: string, left: Set<string>): boolean {
    return this.name(printed, real) && left.delete(real)
  }

  /** Later terms stay later. */
  term(printed: number, real: number): boolean {
    if (this.#isFixed) return printed === real
    const known = this.#terms.get(printed)
    if (known !== undefined) return known === real
    for (const [one, other] of this.#terms) if (one < printed !== other < real || other === real) return false
    this.#terms.set(printed, real)
    return true
  }

  /** The node whose client or peer port it is, here or in the print. */
  nodeAt(port: number, base: number): string | null {
    const number = port - base > 100 ? port - base - 100 : port - base
    return number >= 1 && number <= 9 ? `n${number}` : null
  }

  address(printed: string, real: string): boolean {
    const [one, other] = [this.nodeAt(Number(printed), 7000), this.nodeAt(Number(real), this.#basePort)]
    const samePort = Number(printed) - 7000 > 100 === Number(real) - this.#basePort > 100
    return one !== null && other !== null && samePort && this.name(one, other)
  }

  /** What is printed, as it is to be typed here: other names, other ports. */
  typed(text: string): string {
    const nodes = [1, 2, 3, 4, 5].map((number) => `127.0.0.1:${this.#basePort + number}`)
    const asking = /(npx raft-roadmap client)(?!.*--connect)/
    return text
      .replace(asking, `$1 --connect ${nodes}`)
      .replaceAll(/\bn[1-9]\b/g, (name) => this.choose(name))
      .replaceAll(/\b7([01])0([1-9]?)(?=\D|$)/g, (_, isPeer: string, number: string) => {
        const base = String(this.#basePort / 10 + Number(isPeer) * 10)
        return number === '' ? base : `${base}${this.choose(`n${number}`).slice(1)}`
      })
  }
}
