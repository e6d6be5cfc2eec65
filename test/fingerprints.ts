/**
 * `npm run fingerprints`: writes down, for each stage, one hash over every message that its nodes send on 50 seeds of
 * storm and 50 of churn. A change that moves code and no message leaves the file as it is; read the file's diff.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { sweep } from '../client/proof/sim-pool.js'
import { Fingerprint } from '../src/proof/simulation/fingerprint.js'
import { stages } from '../stages/index.js'

const climates = ['storm', 'churn'] as const
const file = fileURLToPath(new URL('../../test/fingerprints.json', import.meta.url))

/** The seeds 1 to this of each climate make the whole fingerprint; the first few are what `npm test` looks at. */
export const seedCounts = { few: 2, whole: 50 } as const
export type FingerprintSize = keyof typeof seedCounts

/** A stage's folder → a size → the hash. */
export type Fingerprints = Readonly<Record<string, Readonly<Record<FingerprintSize, string>>>>

export const recorded = (): Fingerprints => JSON.parse(readFileSync(file, 'utf8'))

/** The hash over what a stage's nodes send, for one size or for both. */
export async function fingerprintOf(
  stage: number,
  sizes: readonly FingerprintSize[],
): Promise<Partial<Record<FingerprintSize, string>>> {
  const seeds = Math.max(...sizes.map((size) => seedCounts[size]))
  const hashes = climates.map(() => new Array<string>(seeds))
  for (const [at, climate] of climates.entries()) {
    await sweep({ stage, climate, firstSeed: 1, seeds }, ({ seed, messageHash }) => {
      hashes[at]![seed - 1] = messageHash
    })
  }
  return Object.fromEntries(sizes.map((size) => [size, together(hashes.map((all) => all.slice(0, seedCounts[size])))]))
}

function together(hashes: readonly (readonly string[])[]): string {
  const fingerprint = new Fingerprint()
  for (const hash of hashes.flat()) fingerprint.add(hash)
  return fingerprint.digest()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const written: Record<string, unknown> = {}
  for (const { number, name } of stages) written[name] = await fingerprintOf(number, ['few', 'whole'])
  writeFileSync(file, `${JSON.stringify(written, null, 2)}\n`)
}
