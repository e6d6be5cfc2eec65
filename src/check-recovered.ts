import { type Core, type Entry, featuresFormat, type NodeOptions, payloadOf, type Recovered } from './contracts.js'
import { ConfigError } from './errors.js'
import type { Stage } from './stage.js'

/**
 * Makes the core of a node that goes on from the contents of its disk.
 *
 * @throws ConfigError if it cannot: another stage, application or release wrote them
 */
export function coreFor(stage: Stage, options: NodeOptions): Core {
  checkRecovered(stage, options.recovered)
  try {
    return stage.create(options)
  } catch (error) {
    throw new ConfigError((error as Error).message, { cause: error })
  }
}

/**
 * Checks that a stage can go on from the contents of its disk: a later stage, or another application, may have written
 * them.
 *
 * @throws ConfigError if it cannot
 */
function checkRecovered(stage: Stage, { entries, snapshots }: Recovered): void {
  const later = snapshots.find(({ format = 1 }) => Number(format) > featuresFormat)
  if (later)
    throw new ConfigError(`a snapshot is of format ${later.format}, which a later version wrote: run that version`)
  const hasFeatures = !stage.payloads.features && snapshots.some(({ features }) => features !== undefined)
  const ofSnapshot = hasFeatures ? laterStage('features in a snapshot', stage) : null
  const what = ofSnapshot ?? firstOf(entries, (entry) => foreignIn(stage, entry))
  if (what !== null) throw new ConfigError(`the log holds ${what}; run that one, or choose another folder`)
  if (snapshots.length > 0 && stage.keeps !== 'log and snapshots')
    throw new ConfigError(`the log holds ${laterStage('a snapshot', stage)}; run that one, or choose another folder`)
}

const laterStage = (what: string, { number }: Stage) =>
  `${what}, which stage ${number} does not have: a later stage wrote it`

/** Finds in an entry a kind or command that this stage or its application does not have; null if there is none. */
function foreignIn(stage: Stage, entry: Entry): string | null {
  const { application, payloads } = stage
  const payload = payloadOf(entry)
  if (payload.kind !== 'command') return payloads[payload.kind] ? null : laterStage(`a ${payload.kind} entry`, stage)
  if (payload.call !== undefined && !payloads.session) return laterStage('a call of a session', stage)
  if (application.codec.decode(payload.command)) return null
  return `a command that the application ${application.name} does not have: another application wrote it`
}

function firstOf<One, Found>(all: readonly One[], find: (one: One) => Found | null): Found | null {
  for (const one of all) {
    const found = find(one)
    if (found !== null) return found
  }
  return null
}
