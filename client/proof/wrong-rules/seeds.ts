import { knownSeeds } from './known-seeds.js'

/**
 * Seeds at which to look for what a wrong rule breaks: first the one at which it was seen last, then all others up to the
 * rule's budget. A rule that changed since may show elsewhere.
 */
export function seedsToTry(name: string, budget: number): number[] {
  const all = Array.from({ length: budget }, (_, at) => at + 1)
  const known = Object.hasOwn(knownSeeds, name) ? knownSeeds[name]! : 0
  return all.includes(known) ? [known, ...all.filter((seed) => seed !== known)] : all
}
