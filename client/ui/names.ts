/** Names of clients for calls that run beside each other: each has one call at a time. */
export class Names {
  readonly #taken = new Set<string>()

  take(): string {
    let number = 1
    while (this.#taken.has(`you ${number}`)) number++
    const name = `you ${number}`
    this.#taken.add(name)
    return name
  }

  giveBack(name: string): void {
    this.#taken.delete(name)
  }
}
