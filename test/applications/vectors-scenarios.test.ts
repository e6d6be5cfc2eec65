/** The scenarios of the vector stores, in virtual time. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { vectorStores } from '../../client/applications/vectors/vectors.js'
import { parseScenario } from '../../src/proof/scenario/notation.js'
import { playVirtually } from '../../src/proof/scenario/virtual.js'
import { type Stage, withApplication } from '../../src/stage.js'
import production from '../../stages/10-production/stage.js'
import { root } from '../docs.js'
import { size } from '../helpers/effort.js'

const folder = join(root, 'client/applications/vectors/scenarios')
const scenario = (file: string) => parseScenario(readFileSync(join(folder, file), 'utf8'), file)
const right = vectorStores({ threads: false })
const stage: Stage = withApplication(production, right)

for (const file of readdirSync(folder))
  t.test(file, async (t) => {
    for (let seed = 1; seed <= size(3, 50); seed++) {
      const { verdict, transcript } = await playVirtually(scenario(file), stage, seed)
      if (!t.equal(verdict, 'holds', `seed ${seed}`)) t.comment(transcript.join('\n'))
    }
  })

t.test('a machine that takes a part of a set is caught', async (t) => {
  let life = 0
  const machine: typeof right.machine = (clock) => {
    const one = right.machine(clock)
    const keeps = life++ % 2 === 0
    return {
      apply: (batch, places) =>
        one.apply(
          batch.map((command) =>
            command.command === 'set' && keeps
              ? { ...command, items: (command.items as unknown[]).slice(0, 1) }
              : command,
          ),
          places,
        ),
      query: (batch) => one.query(batch),
      snapshot: () => one.snapshot(),
      restore: (body) => one.restore(body),
      contents: () => one.contents(),
    }
  }
  const { verdict } = await playVirtually(scenario('V1.txt'), withApplication(production, { ...right, machine }))
  t.equal(verdict, 'violated')
})
