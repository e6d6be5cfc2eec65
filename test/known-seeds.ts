/** `npm run seeds`: looks for a seed at which each wrong rule shows, and writes it down for `break` and the tests. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { seedsToTry, type WrongRule, wrongRules } from '../client/proof/wrong-rules/index.js'
import { runSeed } from '../src/proof/simulation/sweep.js'

/** @returns null if the rule's budget is too small, or seeds are not what it is caught by */
async function seedOf({ name, stage, caught }: WrongRule): Promise<number | null> {
  if (!('guarantee' in caught)) return null
  for (const seed of seedsToTry(name, caught.seeds)) {
    const { findings } = await runSeed(stage, seed, caught.climate)
    if (findings.some(({ guarantee }) => guarantee === caught.guarantee)) return seed
  }
  console.error(`${name}: not seen in ${caught.seeds} seeds`)
  return null
}

const lines: string[] = []
for (const wrong of wrongRules) {
  const seed = await seedOf(wrong)
  if (seed !== null) lines.push(`  '${wrong.name}': ${seed},`)
}
const file = fileURLToPath(new URL('../../client/proof/wrong-rules/known-seeds.ts', import.meta.url))
writeFileSync(
  file,
  `/** The seed at which each wrong rule was seen to break its guarantee. Written by \`npm run seeds\`. */
export const knownSeeds: Readonly<Record<string, number>> = {
${lines.join('\n')}
}
`,
)
console.log(`${lines.length} seeds`)
