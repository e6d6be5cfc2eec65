import { type LogLevel, logLevels } from '../../src/server/levels.js'
import { type Quotas, quotaShapes } from '../../src/server/quotas.js'
import { defaultSettings } from '../../src/server/settings.js'
import { setting } from './arguments.js'

/** Arguments of the commands that start nodes: bounds on what clients make a node hold, and what is told. */
export interface QuotaArguments extends Quotas {
  readonly logLevel: LogLevel
}

/** The option that says which events are told. */
export const logLevelOption = {
  choices: logLevels,
  default: defaultSettings.logLevel,
  describe: 'the least weighty events that are told; answers to a script are told at any level',
} as const

/** Options of the commands that start nodes. */
export const quotaOptions = {
  'max-store-bytes': {
    describe:
      'from stage 10 on: bytes of keys and values that the store may hold; a write past it is refused (store_full)',
    coerce: setting('max-store-bytes', quotaShapes.maxStoreBytes),
  },
  'disk-reserve': {
    describe:
      'from stage 10 on: a leader whose disk has fewer bytes left takes no writes (disk_full) [256 MiB, or a twentieth of a small disk]',
    coerce: setting('disk-reserve', quotaShapes.diskReserve),
  },
  'max-requests-per-client': {
    describe: 'requests of one connection, or session, that may wait at a node; more are refused (overloaded)',
    coerce: setting('max-requests-per-client', quotaShapes.maxRequestsPerClient),
  },
  'requests-per-second': {
    describe: 'requests of one connection, or session, in a second; more are refused (overloaded)',
    coerce: setting('requests-per-second', quotaShapes.requestsPerSecond),
  },
  'log-level': logLevelOption,
} as const
