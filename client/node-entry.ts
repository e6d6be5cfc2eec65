/** What a supervisor's child process runs: one node, configured by the JSON in the first argument. Kept small: five of these start at once. */
import { runSupervised } from '../src/server/process.js'
import { stages } from '../stages/index.js'

const config = JSON.parse(process.argv[2] ?? '{}') as { stage: number }
await runSupervised(stages[config.stage]!, config)
