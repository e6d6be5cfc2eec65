import type { Request, Status } from './contracts.js'
import type { Stage } from './stage.js'
import type { WaitingRequests } from './waiting-requests.js'

/** The wait for a successor, of a leader that is being stopped. */
export class Succession {
  #end = () => {}

  /** Checks whether the node has an office to hand over, at a stage that can do so. */
  isDue({ commands }: Stage, { role }: Status): boolean {
    return role === 'leader' && 'transfer_leader' in commands
  }

  /**
   * Asks the rules to hand over.
   *
   * @returns resolves when another node leads, when the rules have given the hand-over up, or when {@link end} is called
   */
  wait(waiting: WaitingRequests, ask: (request: Request) => void): Promise<void> {
    const command = { command: 'transfer_leader', isLeaving: true }
    return new Promise((resolve) => {
      const id = waiting.add(command, () => resolve())
      if (typeof id !== 'number') return resolve()
      this.#end = () => {
        waiting.take(id)
        resolve()
      }
      ask({ id, command })
    })
  }

  /** Ends the wait, because the node has died. */
  end(): void {
    this.#end()
  }
}
