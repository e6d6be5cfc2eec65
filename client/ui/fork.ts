import type { NodeId, Outcome } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { SimulatedClient } from '../../src/proof/simulation/client.js'
import type { SimulatedCluster } from '../../src/proof/simulation/cluster.js'
import type { Host } from '../../src/proof/simulation/host.js'
import type { Plan } from '../../src/proof/simulation/plan.js'
import { type InHand, simulate } from '../../src/proof/simulation/simulate.js'
import { faultWords, isFaultWord, parseFault } from '../../src/server/faults.js'
import { hasten } from '../../src/server/slow-clock.js'
import type { Stage } from '../../src/stage.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { isMemberWord, memberWords } from '../cluster/membership.js'
import { timeWords } from '../repl/time-words.js'
import { describeOutcome } from '../text/answers.js'
import { statusTable } from '../text/status.js'
import { parseLine, UsageError, usage } from '../text/words.js'
import { Feed } from './feed.js'
import { changeVirtually } from './fork-members.js'
import { isVirtualTimeWord, VirtualPace, virtualTimeWords } from './fork-time.js'
import { Names } from './names.js'
import { plainAnswer } from './plain.js'
import type { Performed } from './protocol.js'
import type { Shown } from './server.js'
import { aboutStage } from './shown.js'
import { RunningVerdict } from './verdict.js'

/** Virtual milliseconds for which a run that was handed over can go on. */
const handedOverMs = 3_600_000
/** Milliseconds that a page waits for the answer to a line. */
const patienceMs = 20_000

/** A seed that was replayed to a moment, and goes on from there in the hands of a person. */
class Fork {
  readonly feed = new Feed(true, false)
  readonly #stage: Stage
  readonly #plan: Plan
  readonly #at: number
  readonly #verdict = new RunningVerdict('absent')
  readonly #names = new Names()
  /** Findings that were told: one that goes on is told once. */
  readonly #found = new Set<string>()
  #run: InHand | null = null
  #pace: VirtualPace | null = null
  #failure: Error | null = null

  constructor(stage: Stage, plan: Plan, at: number) {
    this.#stage = stage
    this.#plan = { ...plan, fireMs: at + handedOverMs }
    this.#at = at
  }

  /** Replays the run to its moment, and resolves when it is there. It goes on by itself. */
  async begin(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const room = (run: InHand) => {
        if (run.cluster.now < this.#at) return undefined
        if (this.#pace === null) {
          this.#takeOver(run)
          resolve()
        }
        return this.#pace!.untilAllowed()
      }
      simulate(this.#stage, this.#plan, (event) => this.#hear(event as TraceLine), room).then(
        () => this.#ended(new ConfigError('the hour of this fork is over: go back to the seed')),
        (error: Error) => {
          this.#ended(error)
          reject(error)
        },
      )
    })
  }

  end(): void {
    this.#pace?.end()
  }

  #ended(why: Error): void {
    this.#failure = why
  }

  #hear(line: TraceLine): void {
    if (line.event === 'finding' && this.#isKnown(line)) return
    this.feed.add(line)
    this.#pace?.heard(line)
    const verdict = this.#verdict.take(line)
    if (verdict) this.feed.add(verdict)
  }

  #isKnown({ guarantee, what }: TraceLine): boolean {
    const found = JSON.stringify([guarantee, what])
    const isKnown = this.#found.has(found)
    if (this.#found.size < mostFound) this.#found.add(found)
    return isKnown
  }

  /** From here on nothing happens by chance: what is broken stays so, until somebody mends it. */
  #takeOver(run: InHand): void {
    run.handOver()
    this.#run = run
    this.#pace = new VirtualPace(run.cluster, (line) => this.#hear(line))
  }

  get #cluster(): SimulatedCluster {
    if (this.#failure) throw new ConfigError(`this run has ended: ${this.#failure.message}`)
    return this.#run!.cluster
  }

  /** Performs one line: a fault word, a command, or a word about time or members. */
  async perform(line: string): Promise<Performed> {
    const cluster = this.#cluster
    const named = nameRoles(cluster, line.trim())
    const word = named.split(/\s+/)[0]!
    if (word === 'help') return { ok: true, text: this.#help() }
    if (word === 'status') return { ok: true, text: plainAnswer(await status(cluster)) }
    if (isVirtualTimeWord(word)) this.#pace!.perform(named)
    else if (word === 'timeout') this.#timeOut(named)
    else if (isFaultWord(word)) this.#fault(named)
    else return this.#patiently((signal) => this.#ask(named, signal))
    return { ok: true, text: 'done' }
  }

  #fault(line: string): void {
    const fault = parseFault(line)
    if ('problem' in fault) throw new UsageError(fault.problem)
    const nodes = 'nodes' in fault ? fault.nodes : fault.word === 'cut' ? [fault.from, fault.to] : []
    for (const id of nodes) checkCondition(fault.word, hostOf(this.#cluster, id))
    if (fault.word === 'cut' && fault.from === fault.to) throw new ConfigError('a node has no link to itself')
    if (fault.word === 'wipe' && this.#stage.keeps === 'nothing')
      throw new ConfigError('the nodes of this stage keep nothing that could be wiped')
    this.#run!.perform(fault)
  }

  #timeOut(line: string): void {
    const host = hostOf(this.#cluster, line.split(/\s+/)[1] ?? '')
    const { id, node, condition } = host
    if (condition !== 'up' || !node) throw new ConfigError(`${id} is ${condition}, so no timer of it can run out`)
    if (node.status.role === 'leader') throw new ConfigError(`${id} leads: a leader has no election time-out`)
    this.#cluster.trace({ event: 'timed_out' }, id)
    hasten(node, 2 * (this.#plan.timing.electionTicks ?? 0))
  }

  /** Waits for an answer as long as a person would. */
  async #patiently(ask: (signal: AbortSignal) => Promise<Performed>): Promise<Performed> {
    const patience = new AbortController()
    const { signal } = patience
    const none: Performed = { ok: false, text: 'no answer yet; it may still come' }
    const given = new Promise<Performed>((resolve) => signal.addEventListener('abort', () => resolve(none)))
    const timer = setTimeout(() => patience.abort(), patienceMs)
    try {
      return await Promise.race([ask(signal), given])
    } finally {
      clearTimeout(timer)
    }
  }

  async #ask(line: string, signal: AbortSignal): Promise<Performed> {
    const cluster = this.#cluster
    if (this.#stage.members === 'changing' && isMemberWord(line.split(/\s+/)[0]!)) {
      const outcome = await changeVirtually(cluster, line, signal)
      return performedOf(describeOutcome({ command: 'reconfigure' }, outcome), outcome)
    }
    const { command, at } = parseLine(line, this.#stage.commands)
    if (at !== null) hostOf(cluster, at)
    const name = this.#names.take()
    const client = new SimulatedClient(cluster, name)
    cluster.trace({ event: 'asked', client: name, command, to: at })
    const outcome = await new Promise<Outcome>((resolve) => client.call(command, at, resolve))
    cluster.trace({ event: 'outcome', client: name, ...outcome })
    client.hangUp()
    this.#names.giveBack(name)
    return performedOf(describeOutcome(command, outcome), outcome)
  }

  /** The words that a line can begin with. */
  get words(): string[] {
    const { commands, members } = this.#stage
    const ofMembers = members === 'changing' ? Object.keys(memberWords) : []
    const ofTime = [...Object.keys(virtualTimeWords), 'timeout']
    return [...Object.keys(commands), ...ofMembers, ...Object.keys(faultWords), ...ofTime, 'status', 'help']
  }

  #help(): string {
    const { commands, members } = this.#stage
    const asked = Object.entries(commands).map(([name, shape]) => ({ usage: usage(name, shape), help: shape.help }))
    const ofMembers = members === 'changing' ? Object.values(memberWords) : []
    const all = [...asked, ...ofMembers, ...Object.values(faultWords), timeWords.timeout]
    return [...all, ...Object.values(virtualTimeWords)].map(({ usage, help }) => `${usage}: ${help}`).join('\n')
  }
}

/** Findings that are told at most. */
const mostFound = 1_000

const performedOf = (text: string, { outcome }: Outcome): Performed => ({
  ok: outcome === 'done',
  text: plainAnswer(text),
})

/** Replaces `leader` and `follower` in a line with names. @throws UsageError if no node has the role */
function nameRoles(cluster: SimulatedCluster, line: string): string {
  const leader = cluster.leader()?.id
  const followers = cluster.hosts.filter(
    ({ id, node, condition }) =>
      condition === 'up' && node?.status.role === 'follower' && !line.split(/\s+/).includes(id),
  )
  return line.replaceAll(/\b(leader|follower)\b/g, (word) => {
    const named = word === 'leader' ? leader : followers.shift()?.id
    if (named) return named
    throw new UsageError(word === 'leader' ? 'no node leads at present' : 'there is no other follower at present')
  })
}

/** Finds a node. @throws ConfigError if there is none of this name */
function hostOf(cluster: SimulatedCluster, id: NodeId): Host {
  const host = cluster.hosts.find((one) => one.id === id)
  if (host) return host
  throw new ConfigError(`there is no node ${id}; there are ${cluster.hosts.map((one) => one.id).join(', ')}`)
}

/** The conditions of a node in which a fault can be done to it. */
const conditions: Readonly<Record<string, readonly string[]>> = {
  kill: ['up', 'paused'],
  stop: ['up'],
  restart: ['dead'],
  wipe: ['dead'],
  pause: ['up'],
  resume: ['paused'],
}

/** @throws ConfigError if a node is not in a condition for a fault */
function checkCondition(word: string, { id, condition }: Host): void {
  if (conditions[word]?.includes(condition) === false)
    throw new ConfigError(`${id} is ${condition}; \`${word}\` needs it ${conditions[word]!.join(' or ')}`)
}

/** Shows what the nodes say of themselves, as the table of `run`. */
function status({ hosts, members }: SimulatedCluster): Promise<string> {
  const nodes = () =>
    hosts.map(({ id, condition }, at) => ({ id, condition, client: members[at]!.client, pid: undefined }))
  const call = async (_command: unknown, { at }: { at?: string }): Promise<Outcome> => {
    const info = hosts[members.findIndex(({ client }) => client === at)]?.node?.status
    return { outcome: 'done', answer: { ok: true, info } } as unknown as Outcome
  }
  return statusTable({ client: { call } as never, addresses: [], cluster: { nodes } as never }, 1_000)
}

/**
 * Replays a seed to a moment, exactly as it was, and hands it over: a page of a cluster in virtual time that can be
 * broken by hand.
 */
export async function forkShown(stage: Stage, plan: Plan, at: number, origin: Shown): Promise<Shown> {
  const moment = Math.min(at, plan.fireMs)
  const fork = new Fork(stage, plan, moment)
  await fork.begin()
  return {
    feed: fork.feed,
    hello: {
      kind: 'live',
      clock: 'virtual',
      title: `stage ${stage.number}, seed ${plan.seed}, in your hands`,
      about: `as it was up to ${Math.round(moment)} ms; from there on, what you do`,
      ...aboutStage(stage),
      words: fork.words,
      can: { act: true, members: stage.members === 'changing', fork: false, step: true, goBack: true },
      judges: 'the calls of the seed, and yours',
      question: null,
    },
    perform: (line) => fork.perform(line),
    origin,
    end: () => fork.end(),
  }
}
