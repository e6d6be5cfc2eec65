import t from 'tap'
import { cli } from '../helpers/running.js'

const predict = (typed: string, ...more: readonly string[]) =>
  cli(['scenario', 'N3', '--stage', '2', '--predict', ...more], typed)

t.test('scenario --predict: the script is shown without what it expects, before it plays', async (t) => {
  const { stdout } = await predict('')
  const [before] = stdout.split('virtual time')
  t.match(
    before,
    /N3 Three followers down · stage 2\n(.*\n)* {2}kill 3 followers\n {2}c1 set a 1\n {2}c2 get a @follower\n/,
  )
  t.notMatch(before, /not done|->|ghost|✘/)
})

t.test('scenario --predict: prediction and outcome stand side by side, and nobody counts', async (t) => {
  const wrong = await predict('done\nabsent\nholds\n')
  t.match(wrong, { code: 1, stdout: /\n✘ violated: G5/ })
  t.match(wrong.stdout, /\n +predicted +came *\nc1 set a 1 +done +unknown timeout +otherwise\n/)
  t.match(wrong.stdout, /\nc2 get a @follower +absent +"1" +otherwise\nG5 +holds +broken +otherwise\n$/)
  const right = await predict('unknown\n1\nBroken\n')
  t.equal(right.stdout.match(/as predicted/g)?.length, 3)
})

t.test('scenario --predict: an empty line, or no line, predicts nothing', async (t) => {
  const { code, stdout } = await predict('\n"1"\n')
  t.equal(code, 1)
  t.match(stdout, /\nc1 set a 1 +– +unknown timeout\nc2 get a @follower +"1" +"1" +as predicted\nG5 +– +broken\n$/)
  t.match(await predict('', '--hands'), { code: 2, stderr: /with --predict nothing is shown first/ })
})

t.test('scenario --predict: what stands still is told from what is broken', async (t) => {
  const typed = 'stands still\n'
  const { stdout } = await cli(['scenario', 'E10', '--stage', '4', '--predict'], `\n\n\n\n\n${typed}`)
  t.match(stdout, /What will happen\?/)
  t.match(stdout, /\nG\d+ +.* +(holds|broken|stands still)/)
})
