/** A load that goes on beside whatever is done to the cluster, in a process of its own; it says what came back when it is asked. */
import { setTimeout as delay } from 'node:timers/promises'
import { parseAddress } from '../../../src/address.js'
import { Load, type LoadShape, type Tally } from '../load.js'

/** What the loader is told, as JSON in its first argument. */
export interface LoadPlan extends LoadShape {
  readonly address: string
}

/** Since it was last asked, or since the first request. */
export interface Portion extends Tally {
  readonly seconds: number
}

/** `filled`, once: every key has been written, and all of that was answered. `portion`: whenever it is asked for one. */
export type LoaderMessage = { readonly filled: Portion } | { readonly portion: Portion } | { readonly problem: string }

const answeredPollMs = 5

async function run(plan: LoadPlan, say: (message: LoaderMessage) => void): Promise<void> {
  const load = new Load(plan, 'json')
  const { host, port } = parseAddress(plan.address)!
  let since = performance.now()
  const portion = (): Portion => {
    const now = performance.now()
    const taken = { ...load.tally(), seconds: (now - since) / 1000 }
    load.reset()
    since = now
    return taken
  }
  await load.start([{ host, port }], (reason) =>
    say({ problem: `the connection to ${plan.address} was lost: ${reason}` }),
  )
  process.on('message', () => say({ portion: portion() }))
  if (plan.isFilled) return say({ filled: portion() })
  const answered = () => {
    const { operations, errors } = load.tally()
    return operations + Object.values(errors).reduce((sum, count) => sum + count, 0)
  }
  while (answered() < plan.keys) await delay(answeredPollMs)
  say({ filled: portion() })
}

process.on('disconnect', () => process.exit())
// Ctrl-C goes to the whole process group; what it means is for the starter to decide.
process.on('SIGINT', () => {})

const say = (message: LoaderMessage) => {
  if (process.connected) process.send!(message)
}
run(JSON.parse(process.argv[2]!) as LoadPlan, say).catch((error: Error) => say({ problem: error.message }))
