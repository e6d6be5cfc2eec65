import { isObject } from '../../src/contracts.js'
import { type Codec, type Portable, portable } from './codec.js'
import { RaftError } from './errors.js'

/** The field of a batch in an entry. A command that has such a field itself is put into a batch of one. */
const field = 'raft-roadmap:batch'

/** Commands that one entry holds together: all of them are in the log, or none. */
interface Batch {
  /** The texts of the commands: JSON, or base64 behind an equals sign. */
  readonly [field]: readonly string[]
  /** The request of a channel that the batch is: the channel's name, and the request's number in it. */
  readonly by?: readonly [channel: string, request: number]
}

/** Commands in a batch at most: every node checks the shape of what others send. */
const mostCommands = 3_000

/** Turns commands into the form in which they stand in the log, and checks that they can be read again. */
export class Encoding<C> {
  readonly #codec: Codec<C>
  readonly #bytes: number

  /** @param bytes bytes of an entry at most */
  constructor(codec: Codec<C>, bytes: number) {
    this.#codec = codec
    this.#bytes = bytes
  }

  /** Encodes one command. @throws RaftError if it cannot be replicated: nothing was done then */
  command(command: C): unknown {
    const one = this.#encoded(command)
    return this.#checked(isBatch(one.value) ? { [field]: [textOf(one.value)] } : one.value, one.bytes)
  }

  /** Encodes commands as one entry. @throws RaftError if one of them cannot be replicated: nothing was done then */
  batch(commands: readonly C[], by: Batch['by']): unknown {
    if (!Array.isArray(commands) || commands.length === 0)
      throw new RaftError('bad_command', 'a batch is a list of one command at least')
    if (commands.length > mostCommands)
      throw new RaftError('too_large', `a batch has ${mostCommands} commands at most, not ${commands.length}`)
    const texts = commands.map((command) => textOf(this.#encoded(command).value))
    return this.#checked({ [field]: texts, ...(by && { by }) })
  }

  /** Decodes the commands of an entry. */
  decoded(value: unknown): readonly C[] {
    return commandsIn(this.#codec, value)
  }

  #encoded(command: C): Portable {
    try {
      const one = portable(this.#codec.encode(command), 'command', true)
      // A command that the codec cannot read again would stop every node.
      this.#codec.decode(one.value)
      return one
    } catch (thrown) {
      if (thrown instanceof RaftError) throw thrown
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      throw new RaftError('bad_command', `the codec refuses the command: ${message}`, { cause: thrown })
    }
  }

  /** @param most bytes that the value takes at most: an estimate is cheaper than the measure */
  #checked(value: unknown, most = Number.POSITIVE_INFINITY): unknown {
    if (most <= this.#bytes || bytesOf(value) <= this.#bytes) return value
    throw new RaftError('too_large', `the command takes more than ${this.#bytes} bytes in the log`)
  }
}

/** Decodes the commands of an entry, one or many. @throws Error of the codec */
export function commandsIn<C>(codec: Codec<C>, value: unknown): C[] {
  if (!isBatch(value)) return [codec.decode(value)]
  return value[field].map((text) => codec.decode(valueIn(text)))
}

/** The request of a channel that an entry is; undefined if it is none. */
export function requestIn(value: unknown): Batch['by'] {
  return isBatch(value) ? value.by : undefined
}

/** Checks whether a value holds the commands of a batch. */
export function isBatch(value: unknown): value is Batch {
  if (!isObject(value) || value instanceof Uint8Array) return false
  const texts: unknown = value[field]
  return Array.isArray(texts) && texts.every((text) => typeof text === 'string')
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? `=${Buffer.from(value).toString('base64')}` : JSON.stringify(value)
}

function valueIn(text: string): unknown {
  return text.startsWith('=') ? Uint8Array.from(Buffer.from(text.slice(1), 'base64')) : JSON.parse(text)
}

function bytesOf(value: unknown): number {
  if (value instanceof Uint8Array) return Math.ceil((value.length * 4) / 3)
  return Buffer.byteLength(JSON.stringify(value))
}
