import {
  type Argument,
  type Clock,
  type Command,
  type CommandCodec,
  type CommandShape,
  isObject,
  isPositive,
  type Operation,
  type Random,
  type StateMachine,
  type Store,
} from './contracts.js'
import { LockedMap } from './state-machine/locked-map.js'

/**
 * An application is what a cluster replicates: its commands, what they do, and their form in the log. A stage's rules
 * know none of it; they pass commands on, and a table names the application beside them.
 */
export interface Application {
  readonly name: string
  /** Commands that a client may send. A stage's `read` takes the read-only ones, its `write` all others. */
  readonly commands: Readonly<Record<string, CommandShape>>
  /** The form of its commands in entries. */
  readonly codec: CommandCodec
  /**
   * Makes an empty state machine. A node has one, and after a restart it has another.
   *
   * @param random chance for what is no part of the state; the operating system's if it is left out
   */
  readonly machine: (clock: Clock, random?: Random) => StateMachine
  /**
   * Bytes by which a command may let the state grow, at most, as {@link StateMachine.bytes} counts them; 0 if it frees
   * some. Left out where the machine counts none.
   */
  readonly growthOf?: (command: Command) => number
  /**
   * The function behind each command, where the application is a table of functions: for printing and comparing stages.
   */
  readonly operations?: Readonly<Record<string, Operation<Store>>>
  /** The `.proto` file with its part of the gRPC service for clients, as a table names its own, or as an absolute path. */
  readonly proto?: string
}

/**
 * The cluster's name as nodes and folders have it: an application's own name stands before it, so that nodes of two
 * applications refuse each other, and each other's folders, by name. The key-value store is the usual application, and
 * has none.
 */
export function clusterName({ name }: Application, cluster: string): string {
  const own = `${name}:`
  return name === usualApplication || cluster.startsWith(own) ? cluster : own + cluster
}

/** The name of the application of the roadmap. */
const usualApplication = 'key-value'

/** The parts of an application that is a table of functions over a {@link Store}. */
export interface StoreApplication extends Pick<Application, 'name' | 'commands' | 'proto' | 'growthOf'> {
  readonly operations: Readonly<Record<string, Operation<Store>>>
}

/**
 * Makes an application whose commands act on a Map behind a mutex, and stand in the log as the JSON that a client sent.
 */
export function storeApplication(parts: StoreApplication): Application {
  const machine = (clock: Clock, random?: Random) => new LockedMap(parts.operations, clock, { random })
  return { ...parts, codec: jsonCommands(parts.commands), machine }
}

/** A codec that leaves commands as the JSON objects that clients sent. */
export function jsonCommands(commands: Readonly<Record<string, CommandShape>>): CommandCodec {
  const shapes = new Map(Object.entries(commands).map(([name, { takes }]) => [name, shapeOf(takes)]))
  return {
    encode: (command) => command,
    decode(encoded) {
      const isCommand = isObject(encoded) && shapes.get(encoded.command as string)?.(encoded)
      return isCommand ? (encoded as Command) : null
    },
  }
}

/**
 * Makes the check of a command in an entry: it has all fields that it needs, each of its kind, and no others. The
 * length of the fields was checked when the client sent them, and is not checked again for every copy.
 */
function shapeOf(takes: readonly Argument[]): (command: Readonly<Record<string, unknown>>) => boolean {
  return (command) => {
    let fields = 1
    for (const { name, optional, kind } of takes) {
      const value = command[name]
      if (value !== undefined) fields++
      if (value === undefined ? !optional : !isOfKind[kind](value)) return false
    }
    for (const _ in command) fields--
    return fields === 0
  }
}

const isOfKind: Readonly<Record<Argument['kind'], (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  'text or null': (value) => typeof value === 'string' || value === null,
  number: isPositive,
  flag: (value) => value === true,
  names: (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
  json: () => true,
}

/**
 * Decodes the command that an entry's payload stands for. @throws if it is none: such an entry should not have got so
 * far
 */
export function decoded({ codec, name }: Application, encoded: unknown): Command {
  const command = codec.decode(encoded)
  if (!command) throw new Error(`an entry holds no command of the application ${name}`)
  return command
}

/** Checks whether a value from the wire is a command that changes the application's state, and is within all limits. */
export function isWrite({ codec, commands }: Application, encoded: unknown): boolean {
  const command = codec.decode(encoded)
  const shape = command && Object.hasOwn(commands, command.command) ? commands[command.command] : undefined
  return shape !== undefined && !shape.readOnly && shape.check(command!).ok
}
