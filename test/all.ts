/**
 * `npm test [-- cluster/ metrics]`: every test in its short form, or those whose paths have one of these words in them, one more at a time than there are cores, since a test of processes mostly
 * waits. The last line is `N passed, N failed`.
 */
import { availableParallelism } from 'node:os'
import { allTests, runTests } from './helpers/test-runs.js'

const words = process.argv.slice(2)
const wanted = allTests().filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
const { passed, failed } = await runTests(wanted, {}, Number.POSITIVE_INFINITY, availableParallelism() + 1)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
