import type { Event, EventDetails } from '../../src/contracts.js'
import { jsonLine } from '../../src/text.js'
import { describeEvent } from '../text/events.js'
import './events.js'

type Work = EventDetails['bytes_done']['work']

/** Milliseconds between two reports: on a terminal one line is drawn anew, elsewhere each report is a line. */
const reportMs = { terminal: 100, json: 1_000, lines: 5_000 } as const

/** The output of a verb: events as text or NDJSON on standard output, the progress of long work as well. */
export class Output {
  readonly #isJson: boolean
  readonly #pace: number
  #toldAt = performance.now()
  #isDrawn = false

  constructor(isJson: boolean) {
    this.#isJson = isJson
    this.#pace = isJson ? reportMs.json : process.stderr.isTTY ? reportMs.terminal : reportMs.lines
  }

  readonly say = (event: Event): void => {
    this.#wipe()
    console.log(this.#isJson ? jsonLine(event) : describeEvent(event).trimStart())
  }

  /** Makes a listener for the bytes of some work that are done so far. */
  progress(work: Work, total: number): (bytes: number) => void {
    const began = performance.now()
    return (bytes) => {
      const now = performance.now()
      if (now - this.#toldAt < this.#pace) return
      this.#toldAt = now
      const perSecond = Math.round(bytes / Math.max(0.001, (now - began) / 1_000))
      this.#tell({ event: 'bytes_done', work, bytes, total: Math.max(bytes, total), perSecond })
    }
  }

  /** Ends a line that is drawn anew again and again. */
  end(): void {
    this.#wipe()
  }

  #tell(event: Event): void {
    if (this.#isJson) return console.log(jsonLine(event))
    const line = describeEvent(event).trimStart()
    if (!process.stderr.isTTY) return console.error(line)
    process.stderr.write(`\r\x1b[K${line}`)
    this.#isDrawn = true
  }

  #wipe(): void {
    if (this.#isDrawn) process.stderr.write('\r\x1b[K')
    this.#isDrawn = false
  }
}
