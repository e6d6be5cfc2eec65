import type { GuaranteeId } from '../../contracts.js'
import { guarantees } from '../guarantees.js'
import type { Scenario, Statement } from './scenario.js'
import { parseStatement, parseTime } from './statement.js'

/** Thrown for a script that cannot be read; the message names file and line, and says what would be right. */
export class NotationError extends Error {
  override readonly name = 'NotationError'

  constructor(file: string, line: number, problem: string) {
    super(`${file}:${line}: ${problem}`)
  }
}

type Header = Omit<Scenario, 'file' | 'statements' | 'guarantee'> & { readonly guarantee: GuaranteeId | null }

/**
 * Reads a script: a header (`ID Title`, the guarantee under test, and prose) up to the first blank line, then one
 * statement a line. `src/proof/scenario/scripts/README.md` describes the notation.
 *
 * @param file for errors
 * @throws NotationError
 */
export function parseScenario(text: string, file: string): Scenario {
  const lines = text.split('\n').map((line, at) => ({ text: line.trim(), line: at + 1 }))
  const blank = lines.findIndex((line) => line.text === '')
  const [head, body] = blank < 0 ? [lines, []] : [lines.slice(0, blank), lines.slice(blank)]
  const { guarantee, ...header } = parseHeader(head, file)
  if (guarantee === null) throw new NotationError(file, 1, 'the header lacks its guarantee, such as `guarantee G5`')
  const statements = parseBody(
    body.filter((line) => line.text !== ''),
    file,
  )
  if (statements.length === 0) throw new NotationError(file, lines.length, 'after a blank line comes what is done')
  return { ...header, guarantee, file, statements }
}

interface Line {
  readonly text: string
  readonly line: number
}

/** Runs a parser of one line; an error of the parser becomes one that names the line. */
function at<T>(file: string, line: number, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new NotationError(file, line, (error as Error).message)
  }
}

function parseHeader([first, ...rest]: readonly Line[], file: string): Header {
  const [, id, title] = /^([A-Z]\d+) (.+)$/.exec(first?.text ?? '') ?? []
  if (id === undefined) throw new NotationError(file, 1, 'the first line is an id and a title, such as `N3 Three down`')
  let header: Header = {
    id,
    title: title!,
    guarantee: null,
    about: '',
    drivers: ['virtual', 'real'],
    fromStage: 0,
    deadlineMs: 1_000,
    believes: {},
    servicePromised: false,
    snapshotEntries: null,
  }
  for (const { text, line } of rest) {
    const word = text.split(' ', 1)[0]!
    const parse = Object.hasOwn(headerLines, word) ? headerLines[word]! : parseProse
    header = { ...header, ...at(file, line, () => parse(text, header)) }
  }
  return header
}

type HeaderLine = (text: string, header: Header) => Partial<Header>

const parseProse: HeaderLine = (text, { about }) => ({ about: about === '' ? text : `${about} ${text}` })

/** Parsers of the header's lines that are not prose, by their first word. */
const headerLines: Readonly<Record<string, HeaderLine>> = {
  guarantee(text) {
    const id = text.slice('guarantee '.length)
    if (!Object.hasOwn(guarantees, id)) throw new Error(`no guarantee ${id}; there are G1 to G16`)
    return { guarantee: id as GuaranteeId }
  },
  drivers(text) {
    if (text === 'drivers real') return { drivers: ['real'] }
    if (text === 'drivers virtual') return { drivers: ['virtual'] }
    throw new Error(
      '`drivers real` is for what needs real sockets, `drivers virtual` for what needs exact time or chance; ' +
        'without either, both drivers play the scenario',
    )
  },
  deadline(text) {
    const deadlineMs = parseTime(text.slice('deadline '.length))
    if (deadlineMs === null) throw new Error('a deadline is a time, such as `deadline 500ms`')
    return { deadlineMs }
  },
  believes(text, { believes }) {
    const [, node, leader] = /^believes (\w+): (\w+)$/.exec(text) ?? []
    if (node === undefined) throw new Error('write `believes n1: n2` if n1 takes n2 for the first member')
    return { believes: { ...believes, [node]: leader! } }
  },
  from(text) {
    const [, stage] = /^from stage (\d+)$/.exec(text) ?? []
    if (stage === undefined) throw new Error('write `from stage 2` if earlier stages have nothing that could be tested')
    return { fromStage: Number(stage) }
  },
  snapshots(text) {
    const [, entries] = /^snapshots every ([1-9]\d*) entries$/.exec(text) ?? []
    if (entries === undefined) throw new Error('write `snapshots every 20 entries` if a snapshot is due so soon')
    return { snapshotEntries: Number(entries) }
  },
  service(text) {
    if (text === 'service promised') return { servicePromised: true }
    throw new Error('write `service promised` if what is not done violates the guarantee')
  },
}

function parseBody(lines: readonly Line[], file: string): Statement[] {
  const statements: Statement[] = []
  let open: (Line & { times: number; body: Statement[] }) | null = null
  for (const { text, line } of lines) {
    const [, times] = /^repeat (\d+)$/.exec(text) ?? []
    if (times !== undefined) {
      if (open) throw new NotationError(file, line, `the repeat of line ${open.line} has no \`end\` yet`)
      open = { text, line, times: Number(times), body: [] }
    } else if (text === 'end') {
      if (!open) throw new NotationError(file, line, 'there is no `repeat` that this `end` could end')
      statements.push({ kind: 'repeat', ...open })
      open = null
    } else {
      const statement = { ...at(file, line, () => parseStatement(text)), text, line } as Statement
      ;(open?.body ?? statements).push(statement)
    }
  }
  if (open) throw new NotationError(file, open.line, 'this `repeat` lacks its `end`')
  return statements
}
