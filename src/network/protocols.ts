import { isObject, isPositive, type NodeId } from '../contracts.js'
import { oneLine, quoted } from '../text.js'

declare module '../events.js' {
  interface EventDetails {
    /** Two nodes have no protocol version in common, and do not talk. */
    protocol_mismatch: { peer: NodeId; own: string; theirs: string }
    /** Two nodes run different stages, and do not talk. */
    stage_mismatch: { peer: NodeId; own: number; theirs: number }
  }
}

/** Versions of the protocol between nodes, both ends included. */
export interface ProtocolRange {
  readonly from: number
  readonly to: number
}

/**
 * The versions that this release speaks on every network. `to` rises when the meaning of a packet changes; `from` rises
 * when the release before the change need not be talked to any more.
 */
export const protocols: ProtocolRange = { from: 3, to: 3 }

/** Facts of a node's program that its hello tells, beside the node's identity. */
export interface Release {
  readonly protocols?: ProtocolRange
  readonly stage?: number
  /** Features of the log that the node knows; they are switched on once all members know them (stage 10). */
  readonly features?: readonly string[]
}

/** Characters of a feature's name at most. */
const featureLength = 64
/** Features that are read from a hello at most. */
const featureLimit = 64

/** Reads what a hello, or a refusal, says of the sender's program. A node of release 0.1 says nothing. */
export function releaseIn(candidate: unknown): Release {
  const { protocols: range, stage, features } = isObject(candidate) ? candidate : {}
  const isName = (name: unknown): name is string => typeof name === 'string' && name.length <= featureLength
  const names = Array.isArray(features) ? features.slice(0, featureLimit).filter(isName) : []
  return {
    ...(isRange(range) && { protocols: { from: range.from, to: range.to } }),
    ...(isPositive(stage) && { stage }),
    ...(names.length > 0 && { features: names }),
  }
}

function isRange(candidate: unknown): candidate is ProtocolRange {
  return isObject(candidate) && isPositive(candidate.from) && isPositive(candidate.to) && candidate.from <= candidate.to
}

/** The highest version in both ranges; null if there is none. */
export function highestCommon(one: ProtocolRange, other: ProtocolRange): number | null {
  const highest = Math.min(one.to, other.to)
  return highest >= Math.max(one.from, other.from) ? highest : null
}

export const rangeText = ({ from, to }: ProtocolRange) => (from === to ? `${from}` : `${from} to ${to}`)

/**
 * Thrown for a hello in another version than the highest common one. `isFinal` is false where there is a common one: the
 * sender did not know it, is told, and comes again.
 */
export class ProtocolError extends Error {
  readonly isFinal: boolean

  constructor(message: string, isFinal: boolean) {
    super(message)
    this.isFinal = isFinal
  }
}

/** Peers of which a version or a mismatch is remembered at most: any node can bear any name. */
const peerLimit = 64

/** The negotiation of versions: what this node speaks, and what it has heard that its peers speak. */
export class Protocols {
  readonly own: Required<Release>
  readonly #notice: (event: MismatchEvent) => void
  readonly #known = new Map<NodeId, ProtocolRange>()
  /** Mismatches that were reported: each once. */
  readonly #told = new Set<string>()

  constructor(release: Release | undefined, notice: (event: MismatchEvent) => void) {
    this.own = { protocols, stage: 0, features: [], ...release }
    this.#notice = notice
  }

  /** The version to speak to a peer: the highest common one; this node's oldest while nothing is known of the peer. */
  spokenTo(peer: NodeId): number {
    const theirs = this.#known.get(peer)
    return (theirs && highestCommon(this.own.protocols, theirs)) ?? this.own.protocols.from
  }

  /** Forgets what a peer speaks: its connection ended without a word, and it may be of an earlier release now. */
  forget(peer: NodeId): void {
    this.#known.delete(peer)
  }

  /**
   * Checks the hello of a peer in the version `spoken`. Sender and receiver go by the same rule, so both know the
   * version of a connection by its first packet.
   *
   * @throws ProtocolError if the two should speak another version, or cannot speak at all
   */
  check(peer: unknown, spoken: unknown, said: Release): void {
    if (!isPositive(spoken))
      throw new Error(`it speaks protocol ${quoted(spoken)}, not ${rangeText(this.own.protocols)}`)
    const theirs = said.protocols ?? { from: spoken, to: spoken }
    const mismatch = this.#mismatch(peer, theirs, said.stage)
    if (mismatch !== null) throw new ProtocolError(mismatch, true)
    const version = highestCommon(this.own.protocols, theirs)!
    if (typeof peer === 'string') this.#learn(peer, theirs)
    if (version !== spoken) throw new ProtocolError(`it speaks protocol ${spoken}; both know ${version}`, false)
  }

  /** Reads a refusal of a peer. @returns whether it is about versions or stages */
  isRefused(peer: NodeId, { protocols: theirs, stage }: Release): boolean {
    if (!theirs) return false
    this.#learn(peer, theirs)
    this.#mismatch(peer, theirs, stage)
    return true
  }

  #learn(peer: NodeId, theirs: ProtocolRange): void {
    if (this.#known.size >= peerLimit && !this.#known.has(peer)) this.#known.clear()
    this.#known.set(peer, theirs)
  }

  /** Finds out why two nodes cannot talk, and reports it once. @returns the reason; null if they can */
  #mismatch(from: unknown, theirs: ProtocolRange, stage: number | undefined): string | null {
    const peer = oneLine(String(from), peerLimit)
    const own = this.own
    if (highestCommon(own.protocols, theirs) === null) {
      const [ours, other] = [rangeText(own.protocols), rangeText(theirs)]
      this.#report({ event: 'protocol_mismatch', peer, own: ours, theirs: other })
      return `it speaks protocol ${other}, not ${ours}`
    }
    if (stage === undefined || own.stage === 0 || stage === own.stage) return null
    this.#report({ event: 'stage_mismatch', peer, own: own.stage, theirs: stage })
    return `it runs stage ${stage}, not ${own.stage}`
  }

  #report(event: MismatchEvent): void {
    const text = JSON.stringify(event)
    if (this.#told.has(text) || this.#told.size >= peerLimit) return
    this.#told.add(text)
    this.#notice(event)
  }
}

type MismatchEvent =
  | { readonly event: 'protocol_mismatch'; readonly peer: NodeId; readonly own: string; readonly theirs: string }
  | { readonly event: 'stage_mismatch'; readonly peer: NodeId; readonly own: number; readonly theirs: number }
