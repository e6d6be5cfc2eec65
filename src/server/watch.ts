/** A watch lets callers wait for a condition, which is checked again at every change. */
export class Watch {
  readonly #watchers = new Set<() => void>()
  #changes = 0

  changed(): void {
    this.#changes++
    for (const watcher of this.#watchers) watcher()
  }

  /** Resolves once the condition holds, checked at every change; after `ms` milliseconds it resolves in any case. */
  async until(condition: () => boolean, ms: number): Promise<void> {
    if (condition()) return
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#watchers.delete(watcher)
        resolve()
      }
      const watcher = () => {
        if (condition()) done()
      }
      const timer = setTimeout(done, ms)
      this.#watchers.add(watcher)
    })
  }

  /** Resolves at the next change, or after `ms`. */
  next(ms: number): Promise<void> {
    const before = this.#changes
    return this.until(() => this.#changes !== before, ms)
  }
}
