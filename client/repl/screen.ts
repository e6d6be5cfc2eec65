import { clearScreenDown, cursorTo, type Interface, moveCursor } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'
import { columnsOf, wrapped } from '../text/wrapped.js'

type Output = NodeJS.WritableStream & { columns?: number }

/**
 * The lower end of a terminal, below the output: a line of notice, and the line that is being typed. Both are removed
 * before a text is printed and drawn again below it, with the cursor where it was. A pipe gets the output alone.
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

  /** Columns of a line; a pipe has no limit. */
  get columns(): number {
    return this.#interactive ? columnsOf(this.#output) : Number.POSITIVE_INFINITY
  }

  /** Prints sentences, broken between words where the terminal is narrower. */
  tell(text: string): void {
    this.print(wrapped(text, this.columns))
  }

  /** Shows a line of notice in place of the one before; an empty text removes it. */
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

  /** Prints a line that was typed ahead, as it would look had it been typed now. */
  echo(line: string): void {
    if (this.#interactive) this.print(`${this.#prompt}${line}`)
  }

  /** Removes a line that was typed while a command runs from the screen, until its turn comes. */
  typedAhead(line: string): void {
    if (!this.#interactive || this.#ended) return
    // The line as it stood before the cursor went to the row below it.
    Object.assign(this.#readline, { line, cursor: line.length })
    const { rows } = this.#readline.getCursorPos()
    Object.assign(this.#readline, { line: '', cursor: 0 })
    this.#change(() => {}, rows + 1)
  }

  /** Hides the prompt while a command runs; typed lines wait. */
  busy(): void {
    if (this.#interactive) this.#readline.setPrompt('')
  }

  /** Shows the prompt again, with the line that may be half typed already. */
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
    // Readline forgets the rows above its cursor, which were removed from the screen.
    Object.assign(this.#readline, { prevRows: 0 })
    this.#readline.prompt(true)
  }
}
