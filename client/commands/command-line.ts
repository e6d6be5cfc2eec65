import { parseArgs } from 'node:util'
import { UsageError } from '../text/words.js'

/** Options that take no value; `--help` of each verb marks them as boolean. */
const flags = [
  'json',
  'headless',
  'bootstrap',
  'verify',
  'repair',
  'real',
  'hands',
  'predict',
  'markdown',
  'no-shrink',
  'no-session',
  'lease-reads',
  'metrics-open',
  'messages',
  'ui',
  'predict',
  'metrics',
  'tls',
  'no-client-certificates',
  'in-background',
  'found',
  'app-ports',
  'yes',
  'wipe',
  'compare',
  'i-accept-data-loss',
  'etcd',
]
const informing = ['help', 'h', 'version']
/** Options with a value that may stand before the words of `client`. */
const valuesOfClient = ['connect', 'certs', 'deadline', 'engine', 'reads', 'token-file', 'user', 'password-file']
/** Options that may be given more than once: each time they add an address, a prefix, or an option of etcd. */
const repeatable = ['connect', 'prefix', 'etcd-option']

export interface Given {
  /** Arguments for the parser of the command line. */
  readonly options: readonly string[]
  /** Words of the command that `client` asks, as the shell gave them; no parser reads them. */
  readonly words: readonly string[]
}

type Token = NonNullable<ReturnType<typeof tokensOf>>[number]

/**
 * Splits the shell's arguments at the first word of a `client` command. Options end there: a key may be called
 * `--json`.
 *
 * @param usages of all verbs, such as `break <stage> [rule]`
 * @throws UsageError if an argument would be ignored: an option given twice, or a value for an option that takes none
 */
export function splitArguments(given: readonly string[], usages: readonly string[]): Given {
  const tokens = tokensOf(given)
  const verbAt = tokens.findIndex(({ kind }) => kind === 'positional')
  const verb = tokens[verbAt] as { value: string } | undefined
  const isClient = verb?.value === 'client' && !tokens.slice(0, verbAt).some(isTerminator)
  const endAt = isClient ? tokens.findIndex(({ kind }, at) => at > verbAt && kind !== 'option') : -1
  const own = endAt < 0 ? tokens : tokens.slice(0, endAt)
  checkOptions(own, usages.find((usage) => usage.split(' ')[0] === verb?.value) ?? '')
  const end = tokens[endAt]
  if (!end) return { options: given, words: [] }
  return { options: given.slice(0, end.index), words: given.slice(end.index + (isTerminator(end) ? 1 : 0)) }
}

function tokensOf(given: readonly string[]) {
  const kinds = [...flags.map((name) => [name, 'boolean']), ...valuesOfClient.map((name) => [name, 'string'])]
  const options = Object.fromEntries(kinds.map(([name, type]) => [name, { type: type as 'boolean' | 'string' }]))
  return parseArgs({ args: [...given], options, strict: false, allowPositionals: true, tokens: true }).tokens
}

const isTerminator = ({ kind }: { readonly kind: string }) => kind === 'option-terminator'

/** Checks the options of a verb. @param usage of the verb; its words are no options */
function checkOptions(tokens: readonly Token[], usage: string): void {
  if (tokens.some(isTerminator)) throw new UsageError('`--` has a meaning only behind `client`, before its words')
  const words = [...usage.matchAll(/[<[](\w+)/g)].map(([, word]) => word!)
  const seen = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, value, inlineValue } = token
    if (words.includes(name)) throw new UsageError(`--${name} is a word, not an option: npx raft-roadmap ${usage}`)
    if (seen.has(name) && !repeatable.includes(name)) throw new UsageError(`--${name} is given more than once`)
    if (flags.includes(name) && inlineValue && value !== 'true' && value !== 'false')
      throw new UsageError(`--${name} takes no value; leave out ${JSON.stringify(value)}`)
    if (inlineValue && value === '') throw new UsageError(`--${name}= has no value`)
    seen.add(name)
  }
}

/**
 * Checks that options have their values. @throws UsageError if an option without its value would silently keep its
 * default
 */
export function checkValues({ options }: Given): void {
  for (const token of tokensOf(options)) {
    if (
      token.kind !== 'option' ||
      token.inlineValue ||
      !token.rawName.startsWith('--') ||
      [...flags, ...informing].includes(token.name)
    )
      continue
    const next = options[token.index + 1]
    if (next === undefined || /^-[^0-9]/.test(next)) throw new UsageError(`${token.rawName} needs a value`)
  }
}
