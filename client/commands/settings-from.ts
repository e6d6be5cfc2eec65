import type { Argv } from 'yargs'
import { settingShapes } from '../../src/server/settings.js'
import { environmentSettings, readClusterFile } from '../cluster/cluster-file.js'

/** The flags of `run` and `node` that the environment may give, besides the settings. */
const ofTheEnvironment = [...Object.keys(settingShapes), 'id', 'dataDir']

/**
 * Adds the option `--config`, and has the verb's other options read from the environment and from that file, where they
 * are not given as flags.
 */
export function settingsFrom<T>(yargs: Argv<T>, describe: string): Argv<T> {
  const { config, ...fromEnvironment } = environmentSettings([...ofTheEnvironment, 'config'])
  return yargs
    .config('config', describe, (path) => ({ ...readClusterFile(path).settings, ...fromEnvironment }))
    .default('config', config)
    .config(fromEnvironment)
}
