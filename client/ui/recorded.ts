import type { Message } from '../../src/contracts.js'
import type { Scenario } from '../../src/proof/scenario/scenario.js'
import { playVirtually } from '../../src/proof/scenario/virtual.js'
import type { Climate } from '../../src/proof/simulation/plan.js'
import { type Moment, simulate } from '../../src/proof/simulation/simulate.js'
import { planFor } from '../../src/proof/simulation/sweep.js'
import type { Stage } from '../../src/stage.js'
import { readTrace } from '../../src/trace/file.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { findStage, latest } from '../../stages/index.js'
import { describeMessage } from '../text/message.js'
import { Feed } from './feed.js'
import { forkShown } from './fork.js'
import type { Hello, ShownLine } from './protocol.js'
import { questionOf } from './question.js'
import type { Shown } from './server.js'
import { aboutStage } from './shown.js'
import { RunningVerdict } from './verdict.js'

const lookOnly = { act: false, members: false, fork: false, step: false, goBack: false } as const

/** A recorded run as it is put together: its events, and the verdicts between them. */
class Recorder {
  readonly feed = new Feed(false)
  readonly #verdict = new RunningVerdict('absent')

  readonly hear = (line: TraceLine) => {
    this.feed.add(line)
    const verdict = this.#verdict.take(line)
    if (verdict) this.feed.add(verdict)
  }
}

/**
 * Makes the page of a simulated run: the run is played to its end, and can then be looked at. At any moment it can be
 * forked.
 */
export async function seedShown(
  stage: Stage,
  seed: number,
  climate: Climate,
  plan = planFor(stage, seed, climate),
): Promise<Shown> {
  const lines: TraceLine[] = []
  // The judge's findings are put in below, with those that are only made at the end of the run.
  const hear = (event: Moment) => event.event === 'finding' || lines.push(event as TraceLine)
  const run = await simulate(stage, plan, hear)
  const found = run.findings.map(({ guarantee, what, at }): TraceLine => ({ event: 'finding', guarantee, what, at }))
  const recorder = new Recorder()
  for (const line of inTime(lines, found)) recorder.hear(line)
  const seen =
    found.length === 0 ? 'nothing breaks' : `breaks ${[...new Set(found.map((one) => one.guarantee))].join(' ')}`
  const page = shown(stage, recorder, `stage ${stage.number}, seed ${seed}`, `${climate}: ${seen}`)
  const hello = { ...page.hello, can: { ...page.hello.can, fork: true } }
  const whole: Shown = { ...page, hello, fork: (at) => forkShown(stage, plan, at, whole) }
  return whole
}

/** Makes the page of one seed at two stages: the same faults and the same calls, those of the earlier stage. */
export async function seedsBeside(one: Stage, other: Stage, seed: number, climate: Climate): Promise<Shown> {
  const plan = planFor(one.number < other.number ? one : other, seed, climate)
  return besideShown(await seedShown(one, seed, climate, plan), await seedShown(other, seed, climate, plan))
}

/** Puts findings between the events, each behind those of its moment. */
function* inTime(lines: readonly TraceLine[], found: readonly TraceLine[]): Generator<TraceLine> {
  const waiting = [...found].sort((a, b) => (a.at ?? 0) - (b.at ?? 0))
  for (const line of lines) {
    while (waiting[0] && (waiting[0].at ?? 0) < (line.at ?? 0)) yield waiting.shift()!
    yield line
  }
  yield* waiting
}

/** Makes the page of a scenario in virtual time. */
export async function scenarioShown(scenario: Scenario, stage: Stage, seed: number, asks: boolean): Promise<Shown> {
  const recorder = new Recorder()
  const played = await playVirtually(scenario, stage, seed, (event) => recorder.hear(event as TraceLine))
  const { id, title, about } = scenario
  const page = shown(stage, recorder, `${id} ${title} · stage ${stage.number}`, about)
  return asks ? { ...page, hello: { ...page.hello, question: questionOf(played) } } : page
}

/** Puts two runs side by side, and finds the first moment at which they part. */
export function besideShown(
  one: Shown,
  other: Shown,
  { isTimed = true, name = `${other.hello.stage.number}` } = {},
): Shown {
  const partsAt = partingOf(one.feed, other.feed, isTimed)
  const about = partsAt === null ? 'the two never part' : `the two part at ${partsAt.toFixed(0)} ms`
  const title = `${one.hello.title}, beside ${name}`
  return { ...one, hello: { ...one.hello, title, about, partsAt, hasBeside: true }, beside: other }
}

/**
 * Finds the moment of the first message, outcome or sentence that is in one run and not in the other. On processes
 * nothing happens twice at the same moment: there the order alone counts.
 */
function partingOf(one: Feed, other: Feed, isTimed: boolean): number | null {
  const [mine, others] = [one, other].map(({ recording }) => recording.lines(recording.first).filter(isSeen))
  const isOther = (line: ShownLine, at: number) => !others![at] || keyOf(line, isTimed) !== keyOf(others![at], isTimed)
  const place = mine!.findIndex(isOther)
  if (place < 0) return others!.length > mine!.length ? (others![mine!.length]!.at ?? null) : null
  return Math.min(mine![place]!.at ?? 0, others![place]?.at ?? Number.POSITIVE_INFINITY)
}

const isSeen = ({ event, text }: ShownLine) => event === 'send' || event === 'outcome' || text !== undefined

function keyOf({ event, at, node, client, outcome, message, text }: ShownLine, isTimed: boolean): string {
  const words = message ? describeMessage(message as Message) : text
  return JSON.stringify([event, isTimed && at, node, client, outcome, words])
}

/** Makes the page of a trace in a file. @throws ConfigError if it cannot be read */
export async function traceShown(path: string): Promise<Shown> {
  const { stage, recorder, isWall } = await record(path, (at) => at)
  const page = shown(stage, recorder, `stage ${stage.number}: ${stage.title}`, path)
  return isWall ? { ...page, hello: { ...page.hello, clock: 'wall' } } : page
}

/** Makes the page of two traces, each from its own beginning on. @throws ConfigError if one cannot be read */
export async function tracesBeside(path: string, other: string): Promise<Shown> {
  const fromStart = (at: number, start: number) => at - start
  const [one, two] = [await record(path, fromStart), await record(other, fromStart)]
  const [left, right] = [shown(one.stage, one.recorder, path, path), shown(two.stage, two.recorder, other, other)]
  return besideShown(left, right, { isTimed: !one.isWall && !two.isWall, name: other })
}

/** Milliseconds from which on a moment is one of the wall clock: no virtual time is so long. */
const wallMs = 1e11

/** Reads a trace. @param moment gives the moment at which an event is shown */
async function record(path: string, moment: (at: number, start: number) => number) {
  const recorder = new Recorder()
  let stage: Stage = latest
  let start: number | null = null
  for await (const line of readTrace(path)) {
    if (line.event === 'trace') stage = findStage(String(line.stage)) ?? latest
    const { at = 0 } = line
    start ??= at
    recorder.hear({ ...line, at: moment(at, start) })
  }
  return { stage, recorder, isWall: (start ?? 0) > wallMs }
}

function shown(stage: Stage, { feed }: Recorder, title: string, about: string): Shown {
  const hello: Omit<Hello, 'run' | 'start'> = {
    kind: 'recorded',
    clock: 'virtual',
    title,
    about,
    ...aboutStage(stage),
    words: [],
    can: lookOnly,
    judges: 'all calls of the run',
    question: null,
  }
  return { feed, hello }
}
