import type { OutcomeOf } from 'raft-roadmap'
import {
  addressesIn,
  certsOption,
  connectOption,
  describeOutcome,
  exitCode,
  ownToken,
  tlsFrom,
  tokenFileOption,
  UsageError,
  type Verb,
  wholeNumber,
} from 'raft-roadmap/server'
import { type VectorClient, type VectorCommands, vectorClient } from './client.js'
import type { Metadata } from './commands.js'
import { encodeVector } from './encoding.js'
import { limits } from './limits.js'
import { type Metric, metrics } from './search.js'
import { vectorOf } from './words.js'

interface NearestArguments {
  store: string
  text: string | undefined
  vector: string | undefined
  k: number
  metric: Metric
  where: string | undefined
  consistency: 'linearizable' | 'stale'
  json: boolean
  connect: string
  certs: string | undefined
  tokenFile: string | undefined
}

/** The command that finds the items nearest to a text or a vector. */
export const askNearest: Verb<NearestArguments> = {
  builder: (yargs) =>
    yargs
      .positional('store', { type: 'string', demandOption: true, describe: 'the name of the store' })
      .positional('text', {
        type: 'string',
        describe: 'words, in quotes; their vector is asked for, as `load` makes it',
      })
      .option('vector', { type: 'string', describe: 'instead of a text: numbers with commas between them, or base64' })
      .option('k', { default: 5, describe: 'how many items', coerce: wholeNumber('k', 1, limits.nearest) })
      .option('metric', { choices: metrics, default: metrics[0], describe: 'smaller is nearer, by each' })
      .option('where', { type: 'string', describe: 'only items with this metadata: key=value,key=value' })
      .option('consistency', {
        choices: ['linearizable', 'stale'],
        default: 'linearizable',
        describe: 'stale: what the node that is asked has, which may be old',
      })
      .option('connect', connectOption)
      .option('certs', certsOption)
      .option('token-file', tokenFileOption)
      .option('json', { type: 'boolean', default: false, describe: 'the answer as the node gave it' })
      .example('$0 nearest docs "who is elected"', 'the five nearest lines'),
  async handler(args) {
    const token = ownToken(args.tokenFile)
    const client = vectorClient({ addresses: addressesIn(args.connect), token, ...tlsFrom(args.certs) })
    try {
      const vector = await questionOf(client, args)
      const { store, k, metric, where, consistency } = args
      const beside = { consistency, ...(where !== undefined && { where: conditionOf(where) }) }
      const command = { command: 'nearest', store, vector, k, metric, ...beside } as const
      const outcome = await client.call(command)
      show(outcome, args.json, describeOutcome(command, outcome))
      process.exitCode = exitCode(outcome)
    } finally {
      client.close()
    }
  },
}

/** The vector that is asked for. A text becomes one of the store's dimension. @throws UsageError if there is none */
async function questionOf(client: VectorClient, { store, text, vector }: NearestArguments): Promise<string | number[]> {
  if ((text === undefined) === (vector === undefined))
    throw new UsageError('nearest: either a text or --vector says what to look for')
  if (vector !== undefined) return vector.includes(',') ? vector.split(',').map(Number) : vector
  const outcome = await client.call({ command: 'list_stores' })
  if (outcome.outcome !== 'done') throw new UsageError(`list_stores is ${outcome.outcome}: ${outcome.error.message}`)
  const found = outcome.answer.stores.find((one) => one.store === store)
  if (!found) throw new UsageError(`there is no store ${JSON.stringify(store)}`)
  return encodeVector(vectorOf(text!, found.dimension))
}

function conditionOf(text: string): Metadata {
  const pairs = text.split(',').map((pair) => /^([^=]+)=(.*)$/.exec(pair.trim()))
  if (!pairs.every((pair) => pair !== null))
    throw new UsageError('--where is key=value, with commas between more of them')
  return Object.fromEntries(pairs.map((pair) => [pair![1], pair![2]])) as Metadata
}

function show(outcome: OutcomeOf<VectorCommands, 'nearest'>, isJson: boolean, described: string): void {
  if (isJson)
    console.log(JSON.stringify(outcome.outcome === 'done' ? outcome.answer : { ok: false, error: outcome.error }))
  else if (outcome.outcome !== 'done') console.error(described)
  else {
    for (const { id, distance, metadata } of outcome.answer.items) {
      const { text, ...rest } = metadata
      console.log([distance.toFixed(3), id, text ?? JSON.stringify(rest)].join('  '))
    }
  }
}
