import { ConfigError } from '../../src/config.js'
import type { Stage } from '../../src/stage.js'
import { findStage, latest, stages } from '../../stages/index.js'

/** A stage as a person names it. @throws ConfigError that lists what there is */
export function stageArgument(name: string): Stage {
  const stage = findStage(name)
  if (stage) return stage
  const all = stages.map(({ name }) => name).join(', ')
  throw new ConfigError(
    `there is no stage ${JSON.stringify(name)}; there are 0 to ${latest.number} (${all}) and "latest"`,
  )
}

/** Turns what yargs makes of a number into one in range. @throws ConfigError */
export function wholeNumber(name: string, from: number, to: number): (value: unknown) => number {
  return (value) => {
    const number = Number(value)
    if (Number.isInteger(number) && number >= from && number <= to) return number
    throw new ConfigError(`--${name} must be a whole number from ${from} to ${to}`)
  }
}
