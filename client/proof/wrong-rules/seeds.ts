import { knownSeeds } from './known-seeds.js'

/**
 * Lists the seeds at which to look for a wrong rule's failure: first the seed at which it was seen last, then all
 * others up to the rule's budget. A rule that has changed since may fail at another seed.
 */
export function seedsToTry(name: string, budget: number): number[] {
  const all = Array.from({ length: budget }, (_, at) => at + 1)
  const known = Object.hasOwn(knownSeeds, name) ? knownSeeds[name]! : 0
  return all.includes(known) ? [known, ...all.filter((seed) => seed !== known)] : all
}
