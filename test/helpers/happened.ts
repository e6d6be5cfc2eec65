/** An event as it is read back: of its details, nothing is known before a test looks. */
export interface Happened {
  readonly event: string
  readonly [detail: string]: unknown
}

/** Events in the order in which they came, and those who wait for one. */
export class Happenings {
  readonly events: Happened[] = []
  readonly #watchers = new Set<() => void>()

  protected happened(event: Happened): void {
    this.events.push(event)
    for (const watcher of this.#watchers) watcher()
  }

  /**
   * The first event, from `from` on, that fits; waits for it. @param ended resolves when no more events can come, with
   * the reason
   */
  async event(fits: (event: Happened) => boolean, from = 0, ended?: Promise<string>): Promise<Happened> {
    for (;;) {
      const found = this.events.slice(from).find(fits)
      if (found) return found
      await new Promise<void>((resolve, reject) => {
        const watcher = () => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
        void ended?.then((why) => reject(new Error(why)))
      })
    }
  }
}
