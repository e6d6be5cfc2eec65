/** What a child process of the counter's test runs: one node, configured by the JSON in the first argument. */
import { runSupervised } from '../../src/server/process.js'
import { schemas } from '../../stages/schemas.js'
import { counting } from './counter.js'

await runSupervised(counting, JSON.parse(process.argv[2]!), schemas)
