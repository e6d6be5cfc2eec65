/** What a terminal shows of a program's output: its cursor moves in a line, and erases; nothing wraps. */
export class Screen {
  readonly #lines: string[] = ['']
  #row = 0
  #column = 0
  #rest = ''

  get lines(): readonly string[] {
    return this.#lines.map((line) => line.trimEnd())
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that steer a terminal
    const pattern = /\x1b\[([\d;?]*)([A-Za-z])|\x1b[=>]|\x1b\][^\x07]*\x07|[\x00-\x1f\x7f]|[^\x00-\x1f\x7f]+/g
    const all = this.#rest + text
    // A sequence that is cut off here goes on with the next piece.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    const cut = /\x1b(\[[\d;?]*)?$/.exec(all)
    this.#rest = cut?.[0] ?? ''
    for (const [piece, numbers, command] of all.slice(0, all.length - this.#rest.length).matchAll(pattern)) {
      if (command) this.#steer(command, Number(numbers!.split(';')[0] || 0))
      else if (piece === '\r') this.#column = 0
      else if (piece === '\n') this.#down(1)
      else if (piece === '\b') this.#column = Math.max(0, this.#column - 1)
      else if (piece >= ' ') this.#put(piece)
    }
  }

  #put(text: string): void {
    const line = this.#lines[this.#row]!.padEnd(this.#column)
    this.#lines[this.#row] = line.slice(0, this.#column) + text + line.slice(this.#column + text.length)
    this.#column += text.length
  }

  #down(count: number): void {
    this.#row += count
    while (this.#lines.length <= this.#row) this.#lines.push('')
  }

  #steer(command: string, count: number): void {
    const line = this.#lines[this.#row]!
    if (command === 'K' && count === 0) this.#lines[this.#row] = line.slice(0, this.#column)
    if (command === 'K' && count === 2) this.#lines[this.#row] = ''
    if (command === 'J' && count === 0) {
      this.#lines[this.#row] = line.slice(0, this.#column)
      this.#lines.length = this.#row + 1
    }
    if (command === 'G') this.#column = Math.max(1, count) - 1
    if (command === 'C') this.#column += Math.max(1, count)
    if (command === 'D') this.#column = Math.max(0, this.#column - Math.max(1, count))
    if (command === 'A') this.#row = Math.max(0, this.#row - Math.max(1, count))
    if (command === 'B') this.#down(Math.max(1, count))
  }
}
