import type { Answer, Entry, Message, NodeId, Traced } from '../contracts.js'
import { jsonLine } from '../text.js'
import { factNames, type NodeFacts, type TracedRecord } from './events.js'

/** States of a node of which one is told whole. */
const wholeEach = 256

/** Steps told as they are; they change nothing of what a reader knows of a node. */
const plainSteps: ReadonlySet<string> = new Set(['request', 'query', 'apply'])

/** Steps of one node at one moment that wait to be told in one line each. */
interface Gathered {
  readonly node: NodeId | undefined
  readonly at: number
  /** The first and the last entry that was performed, one after the other; none if `to` is smaller. */
  from: number
  to: number
  /** Requests that got the same answer. */
  requests: number[]
  answer: string
}

/** A node's state as it was told last. */
interface Told {
  readonly facts: NodeFacts
  readonly count: number
}

type StateEvent = Extract<Traced, { event: 'state' }>

/**
 * The lines of a trace as text, in the short forms of format 2. What a busy node does a thousand times a second costs
 * little: entries that follow each other are a run, and a state is what has changed. {@link Expander} reads it again.
 */
export class TraceText {
  #text = ''
  #lines = 0
  #gathered: Gathered | null = null
  readonly #states = new Map<NodeId | undefined, Told>()
  #tailOf: { readonly node: NodeId | undefined; readonly at: number; readonly text: string } | null = null

  /** UTF-16 units that {@link take} would give. */
  get length(): number {
    return this.#text.length
  }

  /** Adds an event of a node, or of none. @param at its moment, in milliseconds */
  add(event: Traced, node: NodeId | undefined, at: number): void {
    if (event.event === 'answer') return this.#answered(event.request, event.answer, node, at)
    if (event.event === 'apply' && event.own === undefined) return this.#performed(event.index, node, at)
    this.#tellGathered()
    this.#line(this.#bodyOf(event, node), node, at)
  }

  /** Gives all lines since the last call, and their number. */
  take(): { readonly text: string; readonly lines: number } {
    this.#tellGathered()
    const taken = { text: this.#text, lines: this.#lines }
    this.#text = ''
    this.#lines = 0
    return taken
  }

  /** Notes that lines were lost: the next state of each node is told whole. */
  lost(): void {
    this.#states.clear()
  }

  #performed(index: number, node: NodeId | undefined, at: number): void {
    const gathered = this.#gatheredAt(node, at)
    if (gathered.to >= gathered.from && index === gathered.to + 1) gathered.to = index
    else {
      if (gathered.to >= gathered.from) this.#tellGathered()
      Object.assign(this.#gatheredAt(node, at), { from: index, to: index })
    }
  }

  #answered(request: number, answer: Answer, node: NodeId | undefined, at: number): void {
    const text = jsonLine(answer)
    if (this.#gathered && this.#gathered.requests.length > 0 && this.#gathered.answer !== text) this.#tellGathered()
    const gathered = this.#gatheredAt(node, at)
    gathered.answer = text
    gathered.requests.push(request)
  }

  #gatheredAt(node: NodeId | undefined, at: number): Gathered {
    const gathered = this.#gathered
    if (gathered && gathered.node === node && gathered.at === at) return gathered
    this.#tellGathered()
    this.#gathered = { node, at, from: 1, to: 0, requests: [], answer: '' }
    return this.#gathered
  }

  /** Tells what was gathered: within one moment, entries are performed before requests are answered. */
  #tellGathered(): void {
    if (!this.#gathered) return
    const { node, at, from, to, requests, answer } = this.#gathered
    this.#gathered = null
    if (to >= from) this.#line(`{"event":"apply","from":${from},"to":${to}`, node, at)
    if (requests.length > 0) this.#line(`{"event":"answer","requests":[${requests}],"answer":${answer}`, node, at)
  }

  /** @param body the text of an object without its last brace */
  #line(body: string, node: NodeId | undefined, at: number): void {
    this.#text += body + this.#tail(node, at)
    this.#lines++
  }

  #tail(node: NodeId | undefined, at: number): string {
    if (this.#tailOf?.at === at && this.#tailOf.node === node) return this.#tailOf.text
    const text = `${node === undefined ? '' : `,"node":${jsonLine(node)}`},"at":${at}}\n`
    this.#tailOf = { node, at, text }
    return text
  }

  #bodyOf(event: Traced, node: NodeId | undefined): string {
    if (event.event === 'state') return this.#stateOf(event, node)
    if (event.event === 'write') return `{"event":"write","records":[${recordsOf(event.records)}]`
    if (event.event === 'synced')
      return `{"event":"synced","upTo":{"index":${event.upTo.index},"term":${event.upTo.term}}`
    if (plainSteps.has(event.event)) return bare(event)
    const { message } = event as { readonly message?: Message }
    if (typeof message === 'object') return `{"event":"${event.event}","message":${messageOf(message)}`
    // Whatever else happens to a node may change what a reader knows of it.
    this.#states.delete(node)
    return bare(event)
  }

  /** Tells the facts that have changed since the last state, or all. */
  #stateOf(event: StateEvent, node: NodeId | undefined): string {
    const told = this.#states.get(node)
    const count = told ? told.count + 1 : 0
    const before = told && count % wholeEach > 0 && isWithin(told.facts, event) ? told.facts : null
    this.#states.set(node, { facts: event, count })
    let text = `{"event":"${before ? 'changed' : 'state'}"`
    for (const name of factNames) {
      const value = event[name]
      if (value !== undefined && !(before && isSameFact(before[name], value)))
        text += `,"${name}":${typeof value === 'number' ? value : jsonLine(value)}`
    }
    return event.silent === undefined ? text : `${text},"silent":${event.silent}`
  }
}

/** Compares the names of facts: true if each that was told before is there now. */
function isWithin(before: NodeFacts, now: NodeFacts): boolean {
  return factNames.every((name) => before[name] === undefined || now[name] !== undefined)
}

/** Compares two facts of a node: plain values, or lists of names. */
export function isSameFact(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false
  return one.every((part, at) => part === other[at])
}

function bare(event: Traced): string {
  const { node: _node, at: _at, ...details } = event
  return jsonLine(details).slice(0, -1)
}

/** Tells a message; of its entries their places alone, as runs `[first, last, term]`: what they hold, writes tell. */
function messageOf(message: Message): string {
  const { entries, data, ...fields } = message
  const text = jsonLine(fields).slice(0, -1)
  return `${text}${entries ? `,"entries":[${runsOf(entries)}]` : ''}${data ? `,"bytesHere":${data.length}` : ''}}`
}

function runsOf(entries: readonly Entry[]): string {
  let [text, first] = ['', 0]
  for (let at = 1; at <= entries.length; at++) {
    const [last, next] = [entries[at - 1]!, entries[at]]
    if (next && next.term === last.term && next.index === last.index + 1) continue
    text += `${text && ','}[${entries[first]!.index},${last.index},${last.term}]`
    first = at
  }
  return text
}

/** Tells the records of a write; entries of one term that follow each other are one record. */
function recordsOf(records: readonly TracedRecord[]): string {
  let [text, index, term] = ['', 0, 0]
  for (const record of records) {
    const isEntry = record.record === 'entry'
    if (isEntry && record.index === index + 1 && record.term === term) text += `,${jsonLine(record.what)}`
    else {
      if (term > 0) text += ']}'
      if (text) text += ','
      text += isEntry
        ? `{"record":"entries","index":${record.index},"term":${record.term},"what":[${jsonLine(record.what)}`
        : jsonLine(record)
    }
    ;[index, term] = isEntry ? [record.index, record.term] : [0, 0]
  }
  return term > 0 ? `${text}]}` : text
}
