/** Options of the commands that ask a cluster of etcd, and what they say together. */
import { ConfigError } from '../../src/errors.js'
import { readOwn } from '../../src/server/tokens.js'
import { tlsFrom } from '../cluster/tls-places.js'
import type { EtcdAccess } from '../engine/etcd/access.js'

/** Options that say as whom etcd is asked. */
export const etcdOptions = {
  user: { type: 'string', describe: 'with --engine etcd: the user of etcd as whom it is asked' },
  'password-file': {
    type: 'string',
    describe: 'with --user: a file of its own with the password, and nothing else (chmod 600)',
  },
} as const

/** The option that gives processes of etcd which are started here options of their own. */
export const moreOption = {
  type: 'string',
  describe: 'an option for each process of etcd, such as pre-vote=true; may be given more than once',
  // A coercion is not called for an option that has no value at all.
  default: [] as string[],
  defaultDescription: 'none',
  coerce: optionsIn,
} as const

/** Options of etcd by their names. */
export type MoreOptions = Readonly<Record<string, string>>

function optionsIn(given: string | string[]): MoreOptions {
  const options = [given].flat().map((text) => {
    const [, name, value] = /^([a-z][a-z0-9-]*)=(.*)$/s.exec(text) ?? []
    if (name !== undefined && value !== undefined) return [name, value]
    throw new ConfigError(`--etcd-option ${JSON.stringify(text)} must be NAME=VALUE, such as pre-vote=true`)
  })
  return Object.fromEntries(options)
}

/** @throws ConfigError if options of etcd are given for nodes of ours */
export function checkMore(more: MoreOptions, isEtcd: boolean): void {
  if (!isEtcd && Object.keys(more).length > 0) throw new ConfigError('--etcd-option is for processes of etcd alone')
}

/** The values of the options, beside those that our own nodes know as well. */
export interface EtcdArguments {
  engine?: 'ours' | 'etcd'
  certs: string | undefined
  tokenFile?: string | undefined
  user?: string | undefined
  passwordFile?: string | undefined
}

/** Reads how etcd is to be asked. @throws ConfigError if the options do not fit together, or the password cannot be read */
export function etcdAccess({ certs, tokenFile, user, passwordFile }: EtcdArguments): EtcdAccess {
  if (tokenFile !== undefined)
    throw new ConfigError(
      '--token-file does not go with --engine etcd, which knows no tokens of this kind: give --user and --password-file',
    )
  if ((user === undefined) !== (passwordFile === undefined))
    throw new ConfigError('--user and --password-file go together: a user of etcd, and the file with the password')
  if (user === undefined) return tlsFrom(certs)
  const password = readOwn(passwordFile!, `--password-file: there is no file ${passwordFile}`).replace(/\r?\n$/, '')
  return { ...tlsFrom(certs), user: { name: user, password } }
}

/** @throws ConfigError if an option of etcd is given for nodes of ours */
export function checkForOurs({ engine, user, passwordFile }: EtcdArguments): void {
  if (engine === 'etcd' || (user === undefined && passwordFile === undefined)) return
  throw new ConfigError('--user and --password-file go with --engine etcd: our nodes are shown a token (--token-file)')
}
