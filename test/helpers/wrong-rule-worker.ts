/** A thread that looks for the seed at which a wrong rule shows, and plays the right rule at the same seed. */
import { parentPort } from 'node:worker_threads'
import { wrongRules } from '../../client/proof/wrong-rules/index.js'
import { runSeed } from '../../src/proof/simulation/sweep.js'
import type { Stage } from '../../src/stage.js'
import { stages } from '../../stages/index.js'

export interface Search {
  readonly name: string
  /** The seeds to play, in this order. */
  readonly seeds: readonly number[]
  /** True if the right rule is played at the seed found, too. */
  readonly withRight: boolean
}

export interface Caught {
  readonly name: string
  /** The first seed at which the rule broke its guarantee; null if none did. */
  readonly seed: number | null
  /** True if the right rule keeps the guarantee at that seed, or was not played. */
  readonly isRightKept: boolean
  /** The invariants that fell, whatever they guard. */
  readonly fallen: readonly string[]
}

async function search({ name, seeds, withRight }: Search): Promise<Caught> {
  const { stage, caught } = wrongRules.find((wrong) => wrong.name === name)!
  if (!('guarantee' in caught)) throw new Error(`${name} is not caught by seeds`)
  const fallen = new Set<string>()
  const breaks = async (candidate: Stage, seed: number) => {
    const { findings } = await runSeed(candidate, seed, caught.climate)
    for (const { what } of findings) fallen.add(what.slice(0, what.indexOf(':')))
    return findings.some(({ guarantee }) => guarantee === caught.guarantee)
  }
  for (const seed of seeds) {
    if (!(await breaks(stage, seed))) continue
    return { name, seed, isRightKept: !withRight || !(await breaks(stages[stage.number]!, seed)), fallen: [...fallen] }
  }
  return { name, seed: null, isRightKept: true, fallen: [...fallen] }
}

const port = parentPort!
port.on('message', async (job: Search) => port.postMessage(await search(job)))
