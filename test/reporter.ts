import { Transform, type TransformCallback } from 'node:stream'

/**
 * Turns the test runner's TAP into what a person or a log needs: a line a file, every failure in full, and as the
 * very last line the count `N passed, N failed`.
 */
export default class Lines extends Transform {
  #rest = ''
  #counts = { pass: 0, fail: 0, skip: 0 }
  #failing = false

  constructor() {
    super({ decodeStrings: false })
  }

  override _transform(chunk: string | Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const lines = (this.#rest + String(chunk)).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) this.#line(line)
    done()
  }

  override _flush(done: TransformCallback): void {
    if (this.#rest) this.#line(this.#rest)
    const { pass, fail, skip } = this.#counts
    this.push(`${pass} passed, ${fail} failed${skip > 0 ? `, ${skip} skipped` : ''}\n`)
    done()
  }

  #line(line: string): void {
    const counts = /^# \{ total: \d+, pass: (\d+)(?:, fail: (\d+))?(?:, skip: (\d+))?/.exec(line)
    if (counts) this.#counts = { pass: Number(counts[1]), fail: Number(counts[2] ?? 0), skip: Number(counts[3] ?? 0) }
    if (/^\s*(not )?ok /.test(line)) this.#failing = /^\s*not ok /.test(line)
    if (/^(not )?ok /.test(line)) this.push(`${line.replace(/ \{$/, '')}\n`)
    else if (this.#failing || /^Bail out/.test(line)) this.push(`${line}\n`)
  }
}
