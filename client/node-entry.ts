/**
 * The script of a supervisor's child process: it runs one node, configured by the JSON in the first argument. It is
 * kept small, because five processes start at once.
 */
import { runSupervised } from '../src/server/process.js'
import { stages } from '../stages/index.js'
import { schemas } from '../stages/schemas.js'

const config = JSON.parse(process.argv[2] ?? '{}') as { stage: number }
await runSupervised(stages[config.stage]!, config, schemas)
