/**
 * `npm run on-hosts`: plays the catalogue on hosts, stages 2 to 10, and writes down each verdict. It plays what is not on
 * record, has changed since, or differs from virtual time; `-- --all` plays everything, `-- N3 E9` these, `-- --stages 2,10` at these, and
 * `-- --at-once 3` three at a time. A verdict that is another than in virtual time is told, with the transcript, and is on
 * record as it came: the test of the record then fails. Linux, root.
 */
import { parseArgs } from 'node:util'
import { ConfigError } from '../src/errors.js'
import { recordedOnHosts, recordOnHosts } from '../src/proof/scenario/on-record.js'
import { obstacle } from '../src/server/hosts/tools.js'
import {
  type Beside,
  type InVirtualTime,
  nameOf,
  type Pair,
  pairsOnHosts,
  playOnHosts,
  recordOf,
} from './helpers/plays-on-hosts.js'

const options = {
  all: { type: 'boolean', default: false },
  stages: { type: 'string' },
  'at-once': { type: 'string', default: '1' },
} as const

async function main(): Promise<void> {
  const { values, positionals: scripts } = parseArgs({ options, allowPositionals: true })
  const problem = obstacle()
  if (problem !== null) throw new ConfigError(problem)
  const pairs = pairsOnHosts()
  const known = new Map(recordedOnHosts().map((one) => [`${one.scenario} ${one.stage}`, one]))
  const isDue = (pair: Pair, { play, expected }: InVirtualTime) => {
    const one = known.get(nameOf(pair))
    return values.all || one?.play !== play || one.verdict !== expected
  }
  const numbers = values.stages?.split(',')
  const wanted = pairs.filter(
    ({ scenario, stage }) =>
      (scripts.length === 0 || scripts.includes(scenario.id)) && (numbers?.includes(String(stage.number)) ?? true),
  )
  const today = new Date().toISOString().slice(0, 10)
  let done = 0
  let differing = 0
  await playOnHosts(wanted, Number(values['at-once']), isDue, (played) => {
    known.set(nameOf(played), recordOf(played, today))
    recordOnHosts(pairs.flatMap((pair) => known.get(nameOf(pair)) ?? []))
    done++
    if (tell(played)) differing++
  })
  console.log(`${done} played, ${differing} of them with another verdict than in virtual time`)
  process.exitCode = differing > 0 ? 1 : 0
}

/** @returns whether the verdict differs from that of virtual time */
function tell(played: Beside): boolean {
  const { onHosts, expected, transcript } = played
  const differs = onHosts !== expected
  console.log(`${nameOf(played)}: ${onHosts}${differs ? `, in virtual time ${expected}` : ''}`)
  if (differs) console.log(transcript.join('\n'))
  return differs
}

await main()
