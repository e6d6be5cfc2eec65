import { Chalk, type ChalkInstance, supportsColor } from 'chalk'

/** Colours for standard output. chalk knows pipes and dumb terminals; `NO_COLOR` is left to its users. */
export const colour: ChalkInstance = new Chalk({
  level: process.env.NO_COLOR ? 0 : supportsColor ? supportsColor.level : 0,
})

const wheel = [colour.cyan, colour.magenta, colour.yellow, colour.green, colour.blue]

/** A node's name in a colour of its own. */
export function nodeColour(id: string): string {
  const number = Number(/\d+$/.exec(id)?.[0] ?? 1)
  return wheel[(number - 1) % wheel.length]!(id)
}
