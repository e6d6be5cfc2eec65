import type { Argv } from 'yargs'
import { settingShapes } from '../../src/server/settings.js'
import { readClusterFile } from '../cluster/cluster-file.js'
import { environmentSettings } from '../cluster/environment.js'
import { onlyStage, type Served } from './served.js'

/** The flags of `run` and `node` that the environment may give, besides the settings. */
const ofTheEnvironment = [...Object.keys(settingShapes), 'id', 'dataDir', 'metricsPort']

/**
 * Adds the option `--config`, and has the verb's other options read from the environment and from that file, where they
 * are not given as flags.
 */
export function settingsFrom<T>(yargs: Argv<T>, served: Served, describe: string): Argv<T> {
  const { config, ...fromEnvironment } = environmentSettings([...ofTheEnvironment, 'config'])
  return yargs
    .config('config', describe, (path) => ({
      ...readClusterFile(path, onlyStage(served)).settings,
      ...fromEnvironment,
    }))
    .default('config', config)
    .config(fromEnvironment)
}
