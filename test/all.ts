/**
 * `npm test`: every test in its short form, one more at a time than there are cores, since a test of processes mostly
 * waits. The last line is `N passed, N failed`.
 */
import { availableParallelism } from 'node:os'
import { allTests, runTests } from './helpers/test-runs.js'

const { passed, failed } = await runTests(allTests(), {}, Number.POSITIVE_INFINITY, availableParallelism() + 1)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
