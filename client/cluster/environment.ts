import type { z } from 'zod'
import { ConfigError } from '../../src/errors.js'
import { portShape, settingShapes } from '../../src/server/settings.js'

/** The settings' names as variables of the environment have them: `snapshotEntries` is `RAFT_ROADMAP_SNAPSHOT_ENTRIES`. */
const prefix = 'RAFT_ROADMAP_'

/** The variable with the token to show: the only one that is no setting. */
export const tokenVariable = `${prefix}TOKEN`

/** The shapes of what a file says of all nodes, and a variable as well; and of a port of one node. */
const shapes: Readonly<Record<string, z.ZodType>> = { ...settingShapes, metricsPort: portShape }

/** The variables of the environment that give flags of `run` and `node` other values, by the flags' names. */
const environmentNames = ['config', 'id', 'dataDir', 'certs', ...Object.keys(shapes)] as const

/**
 * Reads the settings that the environment gives.
 *
 * @param wanted the names of the flags that the verb has; variables of other verbs are left out
 * @throws ConfigError if a variable has our prefix and names no setting, or if its value is not of the setting's shape
 */
export function environmentSettings(
  wanted: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Record<string, unknown> {
  const names = new Map(environmentNames.map((name) => [variableOf(name), name]))
  const isSetting = (variable: string) => variable.startsWith(prefix) && variable !== tokenVariable
  const given = Object.entries(environment).filter(([variable]) => isSetting(variable))
  return Object.fromEntries(
    given.flatMap(([variable, text = '']): [string, unknown][] => {
      const name = names.get(variable)
      if (!name)
        throw new ConfigError(`${variable}: there is no such setting; there are ${[...names.keys()].join(', ')}`)
      if (!wanted.includes(name)) return []
      const read = shapes[name]?.safeParse(plainValue(text))
      if (read?.success === false) throw new ConfigError(`${variable} ${read.error.issues[0]!.message}`)
      return [[name, text]]
    }),
  )
}

export const variableOf = (name: string) => `${prefix}${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`

/** The value that a text stands for, as a file would have it. */
function plainValue(text: string): unknown {
  if (/^\d+$/.test(text)) return Number(text)
  return text === 'true' ? true : text === 'false' ? false : text
}
