import type { NumberedAnswer } from '../src/client-shell.js'
import { type Answer, failure, type Refusal } from '../src/contracts.js'
import type { ClientSettings } from './settings.js'

/** A connection as an introduction needs it. */
interface Connection {
  /** Writes a request, and nothing before it. */
  write(request: string): unknown
  /** Runs a task after some milliseconds. @returns cancels it */
  after(ms: number, task: () => void): () => void
  /** Called once, when calls may leave: the node knows the token, or all calls are answered here. */
  ready(): void
  end(reason: string): void
}

/** The `id` of the request that shows the token; those of calls are numbers. */
const own = 'auth'
/** Milliseconds that a node may take to answer. */
const answerMs = 1_000
/** Milliseconds until a token is shown again: a node may have learned of it, or the program may have another one. */
const againMs = 1_000

/**
 * The introduction of a client to one node: the token is shown first, and calls leave when the node has said that it
 * knows it. If it does not, each call is answered here with what the node said, and not sent; a moment later the
 * connection is ended, and the next one begins with the token anew.
 */
export class Introduction {
  readonly #token: NonNullable<ClientSettings['token']>
  readonly #connection: Connection
  #refusal: Refusal | null = null
  #isReady = false
  #shownAt = 0
  #cancel = () => {}

  constructor(token: NonNullable<ClientSettings['token']>, connection: Connection) {
    this.#token = token
    this.#connection = connection
  }

  /** The answer to every call, if the node does not know the token; null otherwise. */
  get refusal(): Refusal | null {
    return this.#refusal
  }

  /** Shows the token. A program that is asked for it may take its time. */
  async begin(): Promise<void> {
    this.#shownAt = performance.now()
    const token = await this.#given()
    if (typeof token !== 'string') return this.#answered(token)
    this.#cancel()
    this.#cancel = this.#connection.after(answerMs, () => this.#connection.end(`no answer in ${answerMs} ms`))
    this.#connection.write(JSON.stringify({ id: own, command: 'auth', token }))
  }

  async #given(): Promise<string | Refusal> {
    try {
      const token: unknown = typeof this.#token === 'function' ? await this.#token() : this.#token
      return typeof token === 'string' ? token : failure('unauthenticated', 'the function `token` gave no text')
    } catch (error) {
      return failure('unauthenticated', `the function \`token\` failed: ${(error as Error)?.message}`)
    }
  }

  /** Takes the answers to the introduction out of answers that came. A token that was revoked meanwhile is shown again. */
  heard(answers: readonly NumberedAnswer[]): readonly NumberedAnswer[] {
    const others = answers.filter(({ id }) => id !== own)
    if (others.length < answers.length) this.#answered(answers.find(({ id }) => id === own)!.answer)
    const isRevoked = others.some(({ answer }) => !answer.ok && answer.error.code === 'unauthenticated')
    if (isRevoked && performance.now() - this.#shownAt >= againMs) void this.begin()
    return others
  }

  #answered(answer: Answer): void {
    this.#cancel()
    if (this.#isReady) return
    this.#isReady = true
    // A node that does not know the command demands no token.
    if (!answer.ok && answer.error.code !== 'unknown_command') {
      this.#refusal = answer
      const { message } = answer.error
      this.#cancel = this.#connection.after(againMs, () => this.#connection.end(message))
    }
    this.#connection.ready()
  }

  /** Notes the end of the connection. */
  over(): void {
    this.#cancel()
    this.#isReady = true
  }
}
