import type { TraceLine } from '../../src/trace/fold.js'
import type { Picture } from '../../src/trace/picture.js'

/** A guarantee of the stage that is shown, and what the stage says of it. */
export interface GuaranteeShown {
  readonly id: string
  readonly promise: string
  readonly says: 'gives' | 'stalls' | 'breaks' | 'nothing'
  /** The scenario that shows it. */
  readonly scenario?: string
}

/** Abilities of a page: the things that it can do with its run. */
interface PageAbilities {
  /** True if lines can be performed on it. */
  readonly act: boolean
  /** True if members can be added and removed. */
  readonly members: boolean
  /** True if a seed can be replayed to a moment and handed over. */
  readonly fork: boolean
  /** True if time that stands still can be let go on by one step. */
  readonly step: boolean
  /** True if this run was forked from another one, to which the page can go back. */
  readonly goBack: boolean
}

/** The first thing that a page hears. */
export interface Hello {
  /** The name of this run: another name means another run. */
  readonly run: string
  readonly kind: 'live' | 'recorded'
  /** The clock of the run: that of the machine, or virtual time. */
  readonly clock: 'wall' | 'virtual'
  readonly title: string
  readonly about: string
  readonly stage: { readonly number: number; readonly name: string; readonly title: string }
  readonly guarantees: readonly GuaranteeShown[]
  /** Words that begin a line, for the input's help. */
  readonly words: readonly string[]
  readonly can: PageAbilities
  /** The calls that the verdict is about, in words. */
  readonly judges: string
  /** The picture before the first of the lines that follow. */
  readonly start: Picture
  /** A question to be answered before the run is shown; null if there is none. */
  readonly question: Question | null
  /** The moment at which this run and the one beside it part; null if there is none, or they never do. */
  readonly partsAt: number | null
  readonly hasBeside: boolean
}

/** A question about a scenario, and the lines that answer it. */
export interface Question {
  readonly text: string
  readonly choices: readonly string[]
  /** The place of the right one. */
  readonly right: number
  readonly because: string
}

/** A line of a trace, with its sentence where it has one. */
export interface ShownLine extends TraceLine {
  readonly text?: string
}

/** The answer to a line that was performed. */
export interface Performed {
  readonly ok: boolean
  readonly text: string
}
