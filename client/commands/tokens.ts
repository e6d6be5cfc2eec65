import { existsSync } from 'node:fs'
import { type Role, roles } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import type { TokenEntry } from '../../src/network/token.js'
import { addToken, readTokens, removeToken } from '../../src/server/tokens.js'
import { jsonLine } from '../../src/text.js'
import { table } from '../text/table.js'
import type { Verb } from './verb.js'

interface TokensArguments {
  what: 'add' | 'list' | 'remove'
  file: string
  name: string | undefined
  role: Role | undefined
  /** Given more than once, the option names more prefixes. */
  prefix: string | readonly string[] | undefined
  json: boolean
}

export const tokens: Verb<TokensArguments> = {
  builder: (yargs) =>
    yargs
      .positional('what', { choices: ['add', 'list', 'remove'], demandOption: true, describe: 'what to do' })
      .positional('file', { type: 'string', demandOption: true, describe: 'the file that --tokens names' })
      .option('name', { type: 'string', describe: 'of `add` and `remove`: who holds the token' })
      .option('role', { choices: roles, describe: 'of `add`: what it is for; each may do what those before it may' })
      .option('prefix', {
        type: 'string',
        describe: 'of `add`: for keys that begin so, and no others; more than once: for each of them',
      })
      .option('json', { type: 'boolean', default: false, describe: 'of `list`: a line of JSON each' })
      .example('$0 tokens add tokens.json --role admin --name ann', 'prints a token, this once')
      .example('$0 tokens add tokens.json --role write --prefix shop/ --name shop', 'for the keys under shop/ alone')
      .epilogue('A node reads the file again when it gets SIGHUP: kill -HUP with its process number.'),
  handler: (args) => words[args.what](args),
}

const words: { readonly [What in TokensArguments['what']]: (args: TokensArguments) => void | Promise<void> } = {
  async add(args) {
    const { file, role, prefix } = args
    if (role === undefined) throw new ConfigError(`--role is missing: one of ${roles.join(', ')}`)
    const name = nameIn(args)
    const token = await addToken(file, { name, role, prefixes: [prefix ?? []].flat() }, existsSync(file))
    console.error(`${name} is in ${file}, with a hash of this token, which is nowhere else and not shown again:`)
    console.log(token)
  },
  list(args) {
    refuseMore([args.name, args.role, args.prefix], '`tokens list` takes a file, and nothing else')
    const all = readTokens(args.file)
    if (args.json) for (const { name, role, prefixes } of all) console.log(jsonLine({ name, role, prefixes }))
    else console.log(all.length === 0 ? 'no tokens' : table([['name', 'role', 'keys'], ...all.map(rowOf)]))
  },
  async remove(args) {
    refuseMore([args.role, args.prefix], '`tokens remove` takes a file and --name, and nothing else')
    await removeToken(args.file, nameIn(args))
    console.error(`${args.name} is out of ${args.file}; nodes that run take note at SIGHUP`)
  },
}

function nameIn({ name, what }: TokensArguments): string {
  if (name === undefined) throw new ConfigError(`whose token? \`tokens ${what}\` takes --name`)
  return name
}

function refuseMore(given: readonly unknown[], why: string): void {
  if (given.some((one) => one !== undefined)) throw new ConfigError(why)
}

function rowOf({ name, role, prefixes }: TokenEntry): string[] {
  return [name, role, prefixes.length === 0 ? 'all' : prefixes.map((prefix) => jsonLine(prefix)).join(' ')]
}
