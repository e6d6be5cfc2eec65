/**
 * The body of a snapshot, between its header and its hash, has two sections. The first holds the values that the rules
 * keep of the entries up to there, the second the contents of the application's state machine. Each section opens with
 * a line that names it.
 */
import { featuresFormat, textFormat } from './entries.js'

/** The two sections of a snapshot's body. */
export interface Sections {
  /** Values that the rules keep, a line of JSON each. */
  readonly kept: readonly unknown[]
  /** The lines of the state machine, many at a time. */
  readonly application: AsyncIterable<string>
}

/** Writes the body of a snapshot. Equal contents make equal bytes. @param name the application's */
export async function* bodyOf({ kept, application }: Sections, name: string): AsyncGenerator<string> {
  const lines = [{ section: 'rules', lines: kept.length }, ...kept, { section: 'application', name }]
  let slice = ''
  for (const line of lines) {
    slice += `${JSON.stringify(line)}\n`
    if (slice.length < sliceLength) continue
    yield slice
    slice = ''
  }
  yield slice
  yield* application
}

/** Characters that are written at once: between two slices, the event loop may turn. */
const sliceLength = 64 * 1024

/**
 * Reads the sections of a body; the second one is still to be read.
 *
 * @param format the format in the snapshot's header; the first format has none there, and its whole body is the
 * application's
 * @throws if the format is a later one, if sections are missing, or if the application is another
 */
export async function sectionsOf(body: AsyncIterable<string>, name: string, format: unknown): Promise<Sections> {
  if (format === undefined) return { kept: [], application: body }
  if (format !== textFormat && format !== featuresFormat)
    throw new Error(`the snapshot is of format ${format}, which a later version wrote: run that version`)
  const lines = new Lines(body)
  const { section, lines: count } = (await lines.next()) as { section?: unknown; lines?: unknown }
  if (section !== 'rules' || typeof count !== 'number') throw new Error('the snapshot has no section of the rules')
  const kept: unknown[] = []
  while (kept.length < count) kept.push(await lines.next())
  const head = (await lines.next()) as { section?: unknown; name?: unknown }
  if (head.section !== 'application') throw new Error("the snapshot has no section of the application's")
  if (head.name !== name) throw new Error(`the snapshot is of the application ${head.name}, and not of ${name}`)
  return { kept, application: lines.rest() }
}

/** Lines of JSON, read one by one from pieces of whole lines. */
class Lines {
  readonly #pieces: AsyncIterator<string>
  #piece = ''

  constructor(body: AsyncIterable<string>) {
    this.#pieces = body[Symbol.asyncIterator]()
  }

  /** @throws at the end, and on a line that is no JSON */
  async next(): Promise<unknown> {
    while (this.#piece === '') {
      const { done, value } = await this.#pieces.next()
      if (done) throw new Error('the snapshot ends before its sections do')
      this.#piece = value
    }
    const end = this.#piece.indexOf('\n')
    const line = this.#piece.slice(0, end)
    this.#piece = this.#piece.slice(end + 1)
    return JSON.parse(line) as unknown
  }

  /** Yields the rest, which was not read line by line. A reader that leaves it before its end closes the body. */
  async *rest(): AsyncGenerator<string> {
    try {
      if (this.#piece !== '') yield this.#piece
      for (let next = await this.#pieces.next(); !next.done; next = await this.#pieces.next()) yield next.value
    } finally {
      await this.#pieces.return?.()
    }
  }
}
