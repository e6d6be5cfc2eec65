import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { NotationError, parseScenario } from './notation.js'
import type { Scenario } from './scenario.js'

/** The folder of the scripts, seen from the compiled file. */
const folder = fileURLToPath(new URL('../../../../src/proof/scenario/scripts/', import.meta.url))

/** The order of the groups: the wire, replication, the log, heartbeats, election, compaction, membership. */
const groups = 'WNRLHECMT'

/** Reads all scenarios, in the order of the roadmap. @throws NotationError if one cannot be read */
export function catalogue(): readonly Scenario[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'))
  return names.map(readScenario).sort((a, b) => rank(a) - rank(b))
}

function readScenario(name: string): Scenario {
  const scenario = parseScenario(readFileSync(`${folder}${name}`, 'utf8'), `src/proof/scenario/scripts/${name}`)
  if (name === `${scenario.id}.txt`) return scenario
  throw new NotationError(scenario.file, 1, `the scenario ${scenario.id} belongs into ${scenario.id}.txt`)
}

function rank({ id }: Scenario): number {
  return groups.indexOf(id[0]!) * 1_000 + Number(id.slice(1))
}
