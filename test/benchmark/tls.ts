/** `npm run bench:tls`: what TLS costs: two clusters under the same load in turns, one of which speaks TLS. */
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from '../../client/client.js'
import { type LocalCluster, startLocalCluster } from '../../client/cluster/local-cluster.js'
import { clientName, clientTls, placesIn } from '../../client/cluster/tls-places.js'
import { roadmap } from '../../client/commands/served.js'
import { defaultSettings } from '../../src/server/settings.js'

const [clients, rounds, warmMs, roundMs] = [64, 5, 3_000, 4_000]
const value = 'x'.repeat(256)

function start(tls: boolean): Promise<LocalCluster> {
  return startLocalCluster({
    ...{ stage: roadmap.stage(), entry: roadmap.entry, nodes: 3, host: '127.0.0.1', basePort: 0, network: 'tcp' },
    ...defaultSettings,
    ...{ appPorts: false, dataDir: undefined, trace: undefined, metrics: false, reads: 'leader', noSession: true },
    ...{ hosts: null, tokens: undefined, metricsPort: undefined },
    ...{ tls, onEvent: () => {}, onStderr: (text: string) => console.error(text) },
  })
}

/** Clients that each ask for their next write when the last one is done. */
class Load {
  readonly #clients: readonly Client[]
  #done = 0
  #isOver = false

  constructor({ cluster, certs }: LocalCluster) {
    const addresses = cluster.nodes().map(({ client }) => client)
    const tls = certs === null ? {} : { tls: clientTls(placesIn(certs), [clientName]) }
    this.#clients = Array.from({ length: clients }, () => new Client({ addresses, session: false, ...tls }))
  }

  /** Counts the writes a second for a while. */
  async rate(ms: number): Promise<number> {
    this.#isOver = false
    const all = this.#clients.map((client, at) => this.#loop(client, `k${at}`))
    const [before, began] = [this.#done, performance.now()]
    await wait(ms)
    const rate = ((this.#done - before) * 1_000) / (performance.now() - began)
    this.#isOver = true
    await Promise.all(all)
    return rate
  }

  async #loop(client: Client, key: string): Promise<void> {
    while (!this.#isOver) {
      const { outcome } = await client.call({ command: 'set', key, value })
      // On a machine that does more than this, a call may be given up: it is not counted.
      if (outcome === 'done') this.#done++
    }
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!

const both = [await start(false), await start(true)] as const
const [plain, secure] = [new Load(both[0]), new Load(both[1])]
try {
  for (const load of [plain, secure]) await load.rate(warmMs)
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const [one, other] = [await plain.rate(roundMs), await secure.rate(roundMs)]
    ratios.push(other / one)
    console.log(`plain ${one.toFixed(0)} sets/s, with TLS ${other.toFixed(0)}: ${(other / one).toFixed(2)}`)
  }
  console.log(`median of ${rounds}: ${median(ratios).toFixed(2)}`)
} finally {
  for (const load of [plain, secure]) load.close()
  await Promise.all(both.map((one) => one.stop()))
}
