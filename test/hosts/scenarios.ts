/**
 * A program in namespaces of its own that plays scenarios on hosts: for each line `N3 2` of its input, one of its output,
 * the verdict and the transcript as JSON. `helpers/plays-on-hosts.ts` starts it.
 */
import { createInterface } from 'node:readline'
import { playOnProcesses } from '../../client/proof/scenario/real.js'
import { catalogue } from '../../src/proof/scenario/catalogue.js'
import { Hosts } from '../../src/server/hosts/hosts.js'
import { stages } from '../../stages/index.js'

const scenarios = catalogue()
const hosts = await Hosts.open()
for await (const line of createInterface({ input: process.stdin })) {
  const [id, stage] = line.split(' ')
  const scenario = scenarios.find((one) => one.id === id)!
  const { verdict, transcript } = await playOnProcesses(scenario, stages[Number(stage)]!, 1, hosts)
  await hosts.heal()
  process.stdout.write(`${JSON.stringify({ verdict, transcript })}\n`)
}
