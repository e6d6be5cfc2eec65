import { shortened } from '../../src/text.js'
import type { TraceLine } from '../../src/trace/fold.js'
import type { Picture } from '../../src/trace/picture.js'
import { allRoom, Recording, ringRoom } from '../../src/trace/recording.js'
import type { Hello, Performed, ShownLine } from '../ui/protocol.js'
import { isStep } from '../ui/steps.js'
import { type Told, tellOf } from './sentences.js'

/** A part of the tape: who led, in which term, from which moment on. */
export interface Stretch {
  readonly number: number
  readonly at: number
  readonly term: number
  readonly leader: string | null
}

/** The thing that a person looks at closely. */
export type Selection =
  | { readonly kind: 'node'; readonly id: string }
  | { readonly kind: 'entry'; readonly id: string; readonly index: number }
  | null

/** Milliseconds by which a live picture is behind, so that messages are seen on their way. */
const behindMs = 150
/** Milliseconds for which a message is seen at least. */
const shownMs = 320
/** Events of one kind that a page keeps sentences, stretches and ends of messages for. */
const mostTold = 4_000
/** Lines that were performed and that are shown, and characters of an answer, at most. */
const [mostSaid, saidLength] = [30, 20_000]

/** A line that was performed, and its answer; null while it is waited for. */
export interface Said {
  readonly line: string
  readonly answer: Performed | null
}

/** All that a page knows: the run, the moment that it shows, and the person's choices. */
export class Store {
  hello: Hello | null = null
  recording = new Recording()
  isConnected = false
  /** The number behind the last event that is shown; null to follow what happens. */
  cursor: number | null = null
  /** The moment that is shown, where a moment of the past is. */
  #moment = 0
  isPlaying = false
  /** Milliseconds of the run for a millisecond of playing. */
  speed = 0.02
  selection: Selection = null
  said: readonly Said[] = []
  /** True when the question that stands before the run has been answered. */
  isAnswered = false
  told: Told[] = []
  stretches: Stretch[] = []
  /** Ends of messages by the numbers of their flights, for pictures of moments at which they were on their way. */
  readonly ends = new Map<number, number>()
  readonly #listeners = new Set<() => void>()
  #lastFrame = 0
  /** The moment of the machine at which the last events came. */
  #heardAt = 0
  #isDirty = true
  #shown: { readonly number: number; readonly picture: Picture } | null = null

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  select(selection: Selection): void {
    this.selection = selection
    this.#isDirty = true
  }

  answered(): void {
    this.isAnswered = true
    this.#isDirty = true
  }

  setSpeed(speed: number): void {
    this.speed = speed
    this.#isDirty = true
  }

  connect(isConnected: boolean): void {
    this.isConnected = isConnected
    this.#isDirty = true
  }

  begin(hello: Hello): void {
    this.hello = hello
    this.recording = new Recording(hello.start, hello.kind === 'live' ? ringRoom : allRoom)
    this.cursor = hello.kind === 'live' ? null : hello.start.events
    this.#moment = hello.start.at
    this.isPlaying = false
    this.selection = null
    this.told = []
    this.stretches = []
    this.ends.clear()
    this.#shown = null
    this.#isDirty = true
  }

  /** Adds events. @param bytes of all of them as JSON */
  add(lines: readonly ShownLine[], bytes: number): void {
    this.#heardAt = performance.now()
    const isFirst = this.recording.end === this.recording.first
    for (const line of lines) this.#add(line, bytes / lines.length)
    // The header names the nodes: a recorded run is shown from there on.
    if (isFirst && !this.isLive) this.show(this.recording.first + 1)
    if (this.told.length > mostTold && this.isLive) this.told = this.told.slice(-mostTold)
    if (this.stretches.length > mostTold) this.stretches = this.stretches.slice(-mostTold)
    if (this.isLive) this.#forgetEnds()
    if (this.cursor !== null && this.cursor < this.recording.first) this.show(this.recording.first)
    this.#isDirty = true
  }

  #add(line: ShownLine, bytes: number): void {
    const before = this.recording.now
    const number = this.recording.end
    this.recording.add(line, bytes)
    const after = this.recording.now
    const told = tellOf(line, before, number)
    if (told) this.told.push(told)
    if (line.message && line.event !== 'send') this.#noteEnd(after)
    if (line.event === 'state' || line.event === 'killed') this.#noteStretch(after, number)
  }

  /** Notes the ends of the messages that have ended just now. */
  #noteEnd({ flights, at }: Picture): void {
    for (const { number, endedAt } of flights) if (endedAt === at) this.ends.set(number, endedAt)
  }

  /** Forgets the ends of messages that were sent before the first event that is held. They stand in order, nearly. */
  #forgetEnds(): void {
    for (const number of this.ends.keys()) {
      if (number >= this.recording.first) return
      this.ends.delete(number)
    }
  }

  #noteStretch({ nodes, at }: Picture, number: number): void {
    let [term, leader]: [number, string | null] = [0, null]
    let leadersTerm = -1
    for (const node of Object.values(nodes)) {
      term = Math.max(term, node.term ?? 0)
      if (node.role !== 'leader' || (node.term ?? 0) <= leadersTerm) continue
      leader = node.id
      leadersTerm = node.term ?? 0
    }
    // A leader of an earlier term leads nobody who has heard of the later one.
    if (leadersTerm < term) leader = null
    const last = this.stretches.at(-1)
    if (last?.term !== term || last.leader !== leader) this.stretches.push({ number, at, term, leader })
  }

  /** Counts what is held, and the events that were heard so far. */
  get held() {
    const { first, end, bytes } = this.recording
    const { told, stretches, ends, said } = this
    const lists = { told: told.length, stretches: stretches.length, ends: ends.size, said: said.length }
    return { heard: end, events: end - first, bytes, ...lists }
  }

  get isLive(): boolean {
    return this.hello?.kind === 'live'
  }

  /** The moment that is shown. */
  get moment(): number {
    const { now } = this.recording
    if (this.cursor !== null) return this.#moment
    if (!this.isLive) return now.at
    if (this.hello?.clock === 'wall') return Date.now() - behindMs
    return now.at + Math.min(performance.now() - this.#heardAt, behindMs) / now.slow
  }

  /** Milliseconds of the run for which a message is drawn at least: one that is faster than the eye is drawn slower. */
  get leastFlight(): number {
    if (this.cursor !== null || !this.isLive) return 0
    const { slow } = this.recording.now
    return this.hello?.clock === 'wall' ? shownMs * Math.max(1, slow / 4) : shownMs / slow
  }

  /** The picture that is shown. */
  get picture(): Picture {
    const number = this.cursor ?? this.recording.end
    if (this.#shown?.number !== number) this.#shown = { number, picture: this.recording.at(number) }
    return this.#shown.picture
  }

  /** Shows the picture behind so many events; stops playing. */
  show(number: number): void {
    this.isPlaying = false
    this.cursor = Math.min(Math.max(number, this.recording.first), this.recording.end)
    this.#moment = this.recording.line(this.cursor - 1)?.at ?? this.recording.start.at
    this.#isDirty = true
  }

  /** Shows the same moment as another run. */
  showMoment(moment: number): void {
    this.cursor = this.recording.upTo(moment)
    this.#moment = moment
  }

  /** Shows what happens now. */
  follow(): void {
    this.isPlaying = false
    this.cursor = null
    this.#isDirty = true
  }

  /** Goes to the next event that says something, or back to the one before. */
  step(direction: 1 | -1): void {
    const { recording } = this
    let number = this.cursor ?? recording.end
    if (direction < 0) number--
    do number += direction
    while (number > recording.first && number <= recording.end && !isWorth(recording.line(number - 1)))
    this.show(number)
  }

  play(isPlaying: boolean): void {
    if (isPlaying && (this.cursor === null || this.cursor >= this.recording.end)) this.show(this.recording.first)
    this.isPlaying = isPlaying
    this.#isDirty = true
  }

  /** Draws the page again if something has changed or moves. */
  frame(now: number): void {
    const passed = now - this.#lastFrame
    if (passed < 33) return
    this.#lastFrame = now
    if (this.isPlaying) this.#playOn(Math.min(passed, 250))
    const moves = this.isPlaying || (this.cursor === null && this.isLive && this.isConnected)
    if (!this.#isDirty && !moves) return
    this.#isDirty = false
    for (const listener of this.#listeners) listener()
  }

  #playOn(passed: number): void {
    this.#moment += passed * this.speed
    this.cursor = this.recording.upTo(this.#moment)
    if (this.cursor < this.recording.end) return
    this.isPlaying = false
    this.#isDirty = true
    if (this.isLive) this.cursor = null
  }

  say(line: string, answer: Performed | null): void {
    const place = this.said.findIndex((said) => said.line === line && said.answer === null)
    const said = { line, answer: answer && { ...answer, text: shortened(answer.text, saidLength) } }
    this.said = (place < 0 ? [...this.said, said] : this.said.with(place, said)).slice(-mostSaid)
    this.#isDirty = true
  }
}

const isWorth = (line: TraceLine | undefined) => line !== undefined && isStep(line)
