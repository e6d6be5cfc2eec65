import type { Application } from '../../src/application.js'
import { type Answer, type Command, type CommandShape, type EntryId, isObject } from '../../src/contracts.js'
import { type Codec, portable } from './codec.js'
import { commandsIn, isBatch } from './encoding.js'

/** A command at its place in the log. The commands of one batch have one place. */
export interface Committed<C> {
  readonly index: number
  readonly term: number
  readonly command: C
}

/**
 * The state that is replicated. Every node performs the same commands in the same order, so all of this must give the
 * same on every node: no clock, no chance, nothing that one node has and another has not.
 *
 * @typeParam C a command @typeParam R the result of a command @typeParam Q a query @typeParam A the answer to a query
 */
export interface StateMachine<C, R, Q = never, A = never> {
  /**
   * Performs commands: one result for each, in order. A result is plain JSON, or undefined. An error stops the node, and
   * with it every other node; refuse a command with a result.
   */
  apply(batch: readonly Committed<C>[]): readonly R[] | Promise<readonly R[]>
  /** Answers a query, and changes nothing. An error goes to the caller of `read`. */
  query?(query: Q): A | Promise<A>
  /**
   * The state at this moment, as text in pieces of any length. Commands that are performed while it is read do not show
   * in it. Equal states give equal texts.
   */
  snapshot(): Text | Promise<Text>
  /** Puts a state in the place of the present one. The pieces may be others than those of {@link snapshot}. */
  restore(text: AsyncIterable<string>): Promise<void>
}

/** A text, whole or in pieces. */
export type Text = string | Iterable<string> | AsyncIterable<string>

/** Characters of a line of a snapshot. Equal texts make equal lines, however they come. */
const lineLength = 64 * 1024

/** A query on its way to the state machine, which no log and no wire ever sees. */
class Asked {
  readonly query: unknown

  constructor(query: unknown) {
    this.query = query
  }
}

/** Checks a request that this node itself has made. A request from elsewhere has no value, or one that is no command. */
const shapes: Readonly<Record<string, CommandShape>> = {
  propose: shape('put a command into the log', false),
  query: shape('ask the state machine', true),
}

function shape(help: string, readOnly: boolean): CommandShape {
  return { takes: [], help, readOnly, check: (candidate) => ({ ok: true, command: candidate as Command }) }
}

/**
 * Makes an application of a state machine, for a stage's table.
 *
 * @param make makes the machine, once for each life of a node
 */
export function applicationOf<C, R, Q, A>(
  name: string,
  codec: Codec<C>,
  make: () => StateMachine<C, R, Q, A>,
): Application {
  return {
    name,
    commands: shapes,
    codec: {
      encode: ({ command, value }) => (command === 'query' ? new Asked(value) : value),
      decode(encoded) {
        if (encoded instanceof Asked) return { command: 'query', value: encoded.query }
        return encoded === undefined ? null : { command: 'propose', value: encoded }
      },
    },
    machine() {
      const machine = make()
      return {
        apply: (batch, places = []) => perform(machine, codec, batch, places),
        query: (batch) => Promise.all(batch.map(({ value }) => answerTo(machine, value as Q))),
        snapshot: async () => linesOf(await machine.snapshot()),
        restore: (lines) => machine.restore(textOf(lines)),
        contents: () => new Map(),
      }
    },
  }
}

async function perform<C, R, Q, A>(
  machine: StateMachine<C, R, Q, A>,
  codec: Codec<C>,
  batch: readonly Command[],
  places: readonly EntryId[],
): Promise<Answer[]> {
  const entries = batch.map(({ value }) => commandsIn(codec, value))
  const committed = entries.flatMap((commands, at) => commands.map((command) => ({ ...places[at]!, command })))
  const results = await machine.apply(committed)
  if (results.length !== committed.length)
    throw new Error(`the state machine gave ${results.length} results for ${committed.length} commands`)
  let next = 0
  return batch.map(({ value }, at) => {
    const { index, term } = places[at]!
    if (!isBatch(value)) return answerWith({ ok: true, index, term }, results[next++])
    const ofBatch = results.slice(next, next + entries[at]!.length)
    next += ofBatch.length
    return { ok: true, index, term, results: ofBatch.map((one) => (one === undefined ? null : carried(one))) }
  })
}

function answerWith(place: Answer & { readonly ok: true }, result: unknown): Answer {
  return result === undefined ? place : { ...place, result: carried(result) }
}

const carried = (result: unknown) => portable(result, 'result').value

/** Asks the machine. An error is the caller's, and no reason to stop the node. */
async function answerTo<C, R, Q, A>(machine: StateMachine<C, R, Q, A>, query: Q): Promise<Answer> {
  try {
    if (!machine.query) throw new Error('the state machine has no query')
    return { ok: true, answer: await machine.query(query) }
  } catch (thrown) {
    return { ok: true, thrown }
  }
}

/** Writes a text as lines of JSON, all of one length but the last. */
async function* linesOf(text: Text): AsyncGenerator<string> {
  let waiting = ''
  for await (const piece of typeof text === 'string' ? [text] : text) {
    waiting += piece
    for (; waiting.length >= lineLength; waiting = waiting.slice(lineLength))
      yield `${JSON.stringify(waiting.slice(0, lineLength))}\n`
  }
  if (waiting !== '') yield `${JSON.stringify(waiting)}\n`
}

/** Reads a text from lines, many at a time. */
async function* textOf(slices: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const slice of slices)
    for (const line of slice.split('\n')) if (line !== '') yield JSON.parse(line) as string
}

/** The query's answer, or the error with which the state machine refused it. */
export function answerIn(answer: Answer): unknown {
  if (isObject(answer) && 'thrown' in answer) throw answer.thrown
  return answer.ok ? answer.answer : undefined
}
