import { clearScreenDown, cursorTo, type Interface, moveCursor } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'
import { columnsOf, wrapped } from '../text/wrapped.js'

type Output = NodeJS.WritableStream & { columns?: number }

/**
 * What stands on a terminal below the output: a line about what is going on, and the line that is being typed. Both are
 * taken away before something is printed and put back below it, the cursor where it was. A pipe gets the output alone.
 */
export class Screen {
  readonly #readline: Interface
  readonly #output: Output
  readonly #interactive: boolean
  readonly #prompt: string
  #notice = ''
  #ended = false

  constructor(readline: Interface, output: Output, interactive: boolean) {
    this.#readline = readline
    this.#output = output
    this.#interactive = interactive
    this.#prompt = readline.getPrompt()
  }

  print(text: string): void {
    this.#change(() => this.#output.write(`${text}\n`))
  }

  /** How wide a line may be; a pipe has no limit. */
  get columns(): number {
    return this.#interactive ? columnsOf(this.#output) : Number.POSITIVE_INFINITY
  }

  /** Sentences, broken between words where a terminal is narrower. */
  tell(text: string): void {
    this.print(wrapped(text, this.columns))
  }

  /** A line about what is going on, in place of the one before; empty for none. */
  notice(text: string): void {
    if (!this.#interactive || text === this.#notice) return
    const width = columnsOf(this.#output) - 1
    const plain = stripVTControlCharacters(text)
    this.#change(() => {
      this.#notice = plain.length > width ? plain.slice(0, width) : text
    })
  }

  get hasNotice(): boolean {
    return this.#notice !== ''
  }

  /** A line that was typed ahead, as it would look had it been typed now. */
  echo(line: string): void {
    if (this.#interactive) this.print(`${this.#prompt}${line}`)
  }

  /** A line has been typed while a command runs: it goes from the screen until its turn comes. */
  typedAhead(line: string): void {
    if (!this.#interactive || this.#ended) return
    // As it stood before the cursor went to the row below it.
    Object.assign(this.#readline, { line, cursor: line.length })
    const { rows } = this.#readline.getCursorPos()
    Object.assign(this.#readline, { line: '', cursor: 0 })
    this.#change(() => {}, rows + 1)
  }

  /** A command runs: there is no prompt, and what is typed waits. */
  busy(): void {
    if (this.#interactive) this.#readline.setPrompt('')
  }

  /** The next line may be typed, or is half typed already. */
  ready(): void {
    if (!this.#interactive || this.#ended) return
    this.#change(() => {
      this.#notice = ''
      this.#readline.setPrompt(this.#prompt)
    })
  }

  end(): void {
    this.#ended = true
  }

  #change(change: () => void, above = 0): void {
    if (!this.#interactive || this.#ended) return change()
    const rows = this.#readline.getCursorPos().rows + above + (this.#notice === '' ? 0 : 1)
    if (rows > 0) moveCursor(this.#output, 0, -rows)
    cursorTo(this.#output, 0)
    clearScreenDown(this.#output)
    change()
    if (this.#notice !== '') this.#output.write(`${this.#notice}\n`)
    // What readline knows of the rows above its cursor was taken away with them.
    Object.assign(this.#readline, { prevRows: 0 })
    this.#readline.prompt(true)
  }
}
