import { ConfigError } from '../../src/errors.js'
import { idOf, tokenForm } from '../../src/network/token.js'
import { readOwn } from '../../src/server/tokens.js'
import { tokenVariable } from './environment.js'

/**
 * Finds the token that a command of the command line shows: in the file that a flag names, or else in the environment.
 *
 * @returns undefined if there is none
 * @throws ConfigError if there is something else there; it is not quoted
 */
export function ownToken(file: string | undefined, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const given =
    file === undefined ? environment[tokenVariable] : readOwn(file, `--token-file: there is no file ${file}`)
  if (file === undefined && !given) return undefined
  const token = given!.trim()
  if (idOf(token) !== null) return token
  throw new ConfigError(`${file === undefined ? tokenVariable : file} holds no token: it has the form ${tokenForm}`)
}
