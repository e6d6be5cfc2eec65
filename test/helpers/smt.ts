/**
 * A second judge of histories that shares no line with our checker: the definition of linearizability (Herlihy and Wing
 * 1990, §2.2) as text in SMT-LIB, and z3, which decides whether anything satisfies it.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { Test } from 'tap'
import { type Before, checkHistory, type Operation, type Verdict } from '../../src/proof/linearizability/index.js'

/** The options of a test that needs z3: it says that it did not run where there is none. */
export const z3Only = {
  skip:
    spawnSync('z3', ['--version']).status === 0 ? false : 'z3 is not installed here: `apt-get install z3` installs it',
} as const

/** Operations of one key, and what the key held before. */
export interface Piece {
  readonly operations: readonly Operation[]
  readonly before: Before
}

/**
 * A value is a list of its characters, or absent. With it goes its length, because a solver counts no list.
 * `unknown` operations have a place in the order too: where they are not performed, they leave what they find.
 */
const sorts = `
(declare-datatypes ((Value 0)) (((absent) (empty) (add (start Value) (unit Int)))))
(declare-datatypes ((State 0)) (((state (value Value) (size Int)))))
(define-fun held ((s State)) Bool (not (= (value s) absent)))
(define-fun text ((s State)) Value (ite (held s) (value s) empty))
(declare-const before State)
(assert (and (>= (size before) 0) (= (= (size before) 0) (or (= (value before) absent) (= (value before) empty)))))`

/** Writes a text, or the absence of one, at the end of another. */
function stateOf(text: string | null, start = 'empty', size = '0'): string {
  if (text === null) return '(state absent 0)'
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
  return `(state ${units.reduce((value, unit) => `(add ${value} ${unit})`, start)} (+ ${size} ${units.length}))`
}

/** Writes what an operation that is performed finds, leaves and answers; `found` and `left` are states. */
function effectOf({ command, outcome, answer }: Operation): string {
  const told = outcome === 'done'
  switch (command.command) {
    case 'get':
      return told ? `(and (= left found) (= found ${stateOf(answer!.value!)}))` : '(= left found)'
    case 'set':
      return `(= left ${stateOf(command.value)})`
    case 'delete':
      return told ? `(and (= left ${stateOf(null)}) (= (held found) ${answer!.existed}))` : `(= left ${stateOf(null)})`
    case 'append': {
      const longer = `(= left ${stateOf(command.value, '(text found)', '(size found)')})`
      return told ? `(and ${longer} (= (size left) ${answer!.length}))` : longer
    }
    case 'cas':
      return `(and (= found ${stateOf(command.expected)}) (= left ${stateOf(command.value)}))`
  }
}

/** Writes what an operation does at its place in the order. */
function ruleOf(operation: Operation): string {
  const { command, outcome, error } = operation
  if (outcome === 'done') return effectOf(operation)
  if (outcome === 'unknown') return `(or (= left found) ${effectOf(operation)})`
  if (command.command !== 'cas' || error?.actual === undefined) return '(= left found)'
  const other = `(not (= found ${stateOf(command.expected)}))`
  return `(and (= left found) (= found ${stateOf(error.actual)}) ${other})`
}

/** Checks whether an operation returned before another was called: the order that must be kept. */
const precedes = (one: Operation, other: Operation) => one.outcome !== 'unknown' && one.return! < other.call

/**
 * Writes the definition for one key: there is a place for each operation in one order, such that what returned before
 * another was called comes before it, and each operation finds what the one just before it left.
 */
function linearizabilityOf({ operations, before }: Piece): string {
  const all = operations.map((operation, at) => ({ operation, at }))
  const lines = [sorts, before === 'absent' ? `(assert (= before ${stateOf(null)}))` : '']
  for (const { operation, at } of all) {
    lines.push(`(declare-const place${at} Real) (declare-const found${at} State) (declare-const left${at} State)`)
    lines.push(`(assert (let ((found found${at}) (left left${at})) ${ruleOf(operation)}))`)
  }
  for (const one of all) {
    for (const other of all)
      if (precedes(one.operation, other.operation)) lines.push(`(assert (< place${one.at} place${other.at}))`)
    const others = all.filter(({ at }) => at !== one.at)
    const first = [`(= found${one.at} before)`, ...others.map(({ at }) => `(< place${one.at} place${at})`)]
    const places = others.flatMap(({ operation, at: last }) => {
      const between = others.filter(({ at }) => at !== last)
      // What can be just before `one` is said only where real time allows it: the text stays short.
      const isImpossible =
        precedes(one.operation, operation) ||
        between.some((middle) => precedes(operation, middle.operation) && precedes(middle.operation, one.operation))
      if (isImpossible) return []
      const apart = between
        .filter((middle) => !precedes(middle.operation, operation) && !precedes(one.operation, middle.operation))
        .map(({ at }) => `(or (< place${at} place${last}) (< place${one.at} place${at}))`)
      return `(and ${[`(= found${one.at} left${last})`, `(< place${last} place${one.at})`, ...apart].join(' ')})`
    })
    lines.push(`(assert (or (and ${first.join(' ')})\n  ${places.join('\n  ')}))`)
  }
  return lines.join('\n')
}

/**
 * Has z3 decide whether pieces are linearizable.
 *
 * @param patienceMs milliseconds for each, after which it is undecided
 */
async function judgedByZ3(pieces: readonly Piece[], patienceMs = 10_000): Promise<Verdict[]> {
  const z3 = spawn('z3', ['-in'], { stdio: ['pipe', 'pipe', 'inherit'] })
  z3.stdin.end(
    pieces
      .map((piece) => `(set-option :timeout ${patienceMs})${linearizabilityOf(piece)}\n(check-sat)\n(reset)\n`)
      .join(''),
  )
  let said = ''
  for await (const text of z3.stdout.setEncoding('utf8')) said += text
  const words = said.trim() === '' ? [] : said.trim().split('\n')
  const strange = words.find((word) => !Object.hasOwn(verdicts, word))
  if (strange !== undefined || words.length !== pieces.length)
    throw new Error(`z3 answered ${words.length} of ${pieces.length} questions: ${strange ?? 'it ended'}`)
  return words.map((word) => verdicts[word]!)
}

const verdicts: Readonly<Record<string, Verdict>> = { sat: 'linearizable', unsat: 'violation', unknown: 'undecided' }

/**
 * Cuts a history into pieces of one key each, at moments when nothing was under way on the key but operations of unknown
 * outcome. These may be performed later, and so belong to every later piece.
 *
 * @param most operations after which a piece ends at the next such moment; at twice as many it ends anyway
 */
export function piecesOf(history: readonly Operation[], most: number): Piece[] {
  const keys = new Set(history.map(({ command }) => command.key))
  return [...keys].flatMap((key) => {
    const pieces: Piece[] = []
    let operations: Operation[] = []
    let returned = Number.NEGATIVE_INFINITY
    const end = () => {
      pieces.push({ operations, before: pieces.length === 0 ? 'absent' : 'anything' })
      operations = operations.filter(({ outcome }) => outcome === 'unknown')
    }
    const ofKey = history.filter(({ command }) => command.key === key).sort((one, other) => one.call - other.call)
    for (const operation of ofKey) {
      const isAlone = returned < operation.call
      if (operations.length >= (isAlone ? most : 2 * most)) end()
      operations.push(operation)
      if (operation.outcome !== 'unknown') returned = Math.max(returned, operation.return!)
    }
    if (operations.length > 0) end()
    return pieces
  })
}

/** Lists the pieces with most operations, which say most. */
export const largestOf = (pieces: readonly Piece[], count: number): readonly Piece[] =>
  pieces.toSorted((one, other) => other.operations.length - one.operations.length).slice(0, count)

/**
 * Checks that our checker and z3 agree on each piece. What z3 does not decide in time is told, and says nothing.
 *
 * @returns the verdicts of z3, in the order of the pieces
 */
export async function agree(t: Test, pieces: readonly Piece[]): Promise<readonly Verdict[]> {
  const judged = await judgedByZ3(pieces)
  for (const [at, { operations, before }] of pieces.entries()) {
    const [ours, theirs] = [checkHistory(operations, { before }).verdict, judged[at]!]
    if (theirs === 'undecided' || ours === theirs) continue
    t.fail(`z3 says ${theirs}, the checker ${ours}`, { before, operations })
  }
  const count = (verdict: Verdict) => `${judged.filter((one) => one === verdict).length} ${verdict}`
  t.comment(`z3: ${(['linearizable', 'violation', 'undecided'] as const).map(count).join(', ')}`)
  return judged
}
