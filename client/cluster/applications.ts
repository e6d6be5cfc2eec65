import type { Application } from '../../src/application.js'
import { ConfigError } from '../../src/errors.js'
import type { Stage } from '../../src/stage.js'
import { keyValue } from '../../stages/0-key-value-store/key-value.js'
import { vectors } from '../applications/vectors/vectors.js'

/** An application that a cluster's file can name, and the first stage that can have it. */
interface Known {
  readonly application: Application
  readonly from: number
}

/**
 * The applications that a cluster's file can name. An application is a value: one line here makes it known. Before stage 9
 * a read is an entry of the log, so it is performed among the commands that change something.
 */
const applications: readonly Known[] = [
  { application: keyValue, from: 0 },
  { application: vectors, from: 9 },
]

/** Puts an application into a stage. @throws ConfigError that lists the applications, or says from which stage on */
export function stageWith(stage: Stage, name: string): Stage {
  const known = applications.find(({ application }) => application.name === name)
  if (!known) {
    const names = applications.map(({ application }) => application.name).join(', ')
    throw new ConfigError(`there is no application ${JSON.stringify(name)}; there are: ${names}`)
  }
  if (stage.number >= known.from) return stage.withApplication(known.application)
  throw new ConfigError(`${name} needs stage ${known.from} or a later one, and this is stage ${stage.number}`)
}
