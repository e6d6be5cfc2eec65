import type { Command } from '../../contracts.js'
import type { StageFacts } from '../../stage.js'

/** The sessions that a script opened by hand: a client that has one numbers its writes. */
export class Sessions {
  readonly #sessions = new Map<string, { readonly session: unknown; sequence: number }>()

  opened(client: string, session: unknown): void {
    this.#sessions.set(client, { session, sequence: 0 })
  }

  /** Makes a client's write a call of its session, with the next number unless the script names one. */
  numbered(client: string, command: Command, { commands }: Pick<StageFacts, 'commands'>): Command {
    const own = this.#sessions.get(client)
    const mayHave = commands[command.command]?.envelope?.some(({ name }) => name === 'session')
    if (!own || !mayHave) return command
    return { ...command, session: own.session, sequence: command.sequence ?? ++own.sequence }
  }
}
