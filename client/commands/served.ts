import { fileURLToPath } from 'node:url'
import type { Stage } from '../../src/stage.js'
import { stageArgument } from './arguments.js'

/** The nodes that a command line starts and asks: their stage, and the script of their processes. */
export interface Served {
  /** True if a person names the stage; false if there is only one. */
  readonly namesStage: boolean
  /** Finds the stage that a person named. @throws ConfigError that lists the stages */
  stage(name?: string): Stage
  /** The path of the script that a supervisor's child process runs. */
  readonly entry: string
  /** The name before the cursor of the prompt; the stage's own if it is left out. */
  readonly prompt?: string
  /** Lines for a person to try; those of the stage if they are left out. */
  readonly tries?: string
}

/** The stage of a command line that has no other; null if a person names one. */
export function onlyStage({ namesStage, stage }: Served): Stage | null {
  return namesStage ? null : stage()
}

/** The key-value store at any stage of the roadmap. */
export const roadmap: Served = {
  namesStage: true,
  stage: (name = 'latest') => stageArgument(name),
  entry: fileURLToPath(new URL('../node-entry.js', import.meta.url)),
}
