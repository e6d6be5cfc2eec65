import t from 'tap'
import { parseStart } from '../../client/commands/learn.js'
import { Guide } from '../../client/learn/guide.js'
import { doesSame, experimentsOf, readExperiments } from '../../client/learn/lesson.js'
import { stages } from '../../stages/index.js'
import { cli } from '../helpers/running.js'

t.test('each lesson has experiments, which begin with a cluster of its stage', async (t) => {
  for (const stage of stages) {
    const experiments = experimentsOf(stage)
    const tasks = experiments.flatMap((experiment) => experiment.tasks)
    t.equal(experiments[0]?.title, 'Run it', stage.name)
    t.ok(experiments.length >= 3 && tasks.length >= 5, stage.name)
    const starts = tasks.flatMap((task) => (task.kind === 'start' ? [parseStart(task.line)] : []))
    t.equal(starts[0]?.stage, stage)
    t.equal(tasks[0]?.kind, 'start')
  }
})

t.test('a line that starts a cluster has its options', async (t) => {
  t.match(parseStart('npm run stage 5 -- --heartbeat 3000 --election 9000').options, {
    heartbeat: 3000,
    election: 9000,
  })
  t.match(parseStart('npm run stage 7 -- --data-dir d --snapshot-entries 10').options, {
    dataDir: 'd',
    snapshotEntries: 10,
    heartbeat: 100,
  })
  t.equal(parseStart('npm start').stage, stages.at(-1))
})

t.test('nodes may have other names than in the print; nothing else may differ', async (t) => {
  t.ok(doesSame('kill  n4', 'kill n1') && doesSame('get a @n3', 'get a @n2') && doesSame('kill leader', 'kill n1'))
  t.notOk(doesSame('set a 1', 'set a 2') || doesSame('kill n1 n2', 'kill n1') || doesSame('pause n1', 'kill n1'))
})

const lesson = `
## Run it

\`\`\`
npm run stage 2
2-naive-replication> set a 1
ok  (4.4 ms)
\`\`\`

A word of the lesson, with [a link](x.md).

## Try to break it

**1. Kill one.** Look at it.

\`\`\`
$ echo asked
answered
2-naive-replication> kill n5
n5  killed: whatever it had not written to disk is gone
\`\`\`

## What still breaks

**9. Not an experiment.**
`

t.test('a guide asks first, notices what was done, and shows the print and what was predicted', async (t) => {
  const experiments = readExperiments(lesson)
  t.same(
    experiments.map(({ title, tasks }) => [title, ...tasks.map(({ kind }) => kind)]),
    [
      ['Run it', 'start', 'type'],
      ['1. Kill one', 'outside', 'type'],
    ],
  )
  const guide = new Guide(experiments)
  t.same([guide.start, guide.leaves], ['npm run stage 2', true])
  t.match(guide.started(), /Run it(.|\n)*▶.* set a 1\n.*What will happen\?/)
  t.same([guide.start, guide.leaves], [null, false])
  t.match(guide.takes('it is refused'), /now type: set a 1/)
  t.equal(guide.takes('get a'), null, 'whatever is typed is obeyed')
  t.equal(guide.obeyed('get a'), null, 'and is not the task')
  t.equal(guide.takes('set a 1'), null)
  const told = guide.obeyed('set a 1')
  t.match(told, /you predicted +it is refused(.|\n)*ok {2}\(4\.4 ms\)(.|\n)*A word of the lesson, with a link\.\n/)
  t.match(told, /1\. Kill one(.|\n)*in a second terminal:\n\$ echo asked/)
  t.match(guide.takes('step'), /in a second terminal:\n\$ echo asked/)
  t.match(guide.takes(''), /type: next/)
  t.match(guide.takes('next'), /answered(.|\n)*▶.* kill n5/)
  t.equal(guide.takes('kill n4'), null, 'the task at once, without a prediction')
  t.match(guide.obeyed('kill n4'), /Look at it\.(.|\n)*This was the lesson/)
  t.ok(guide.leaves && guide.start === null)
  t.equal(guide.takes('anything'), null)
})

t.test('learn: a cluster, a prediction, what came, and the lesson beside it', async (t) => {
  const typed = 'nothing\nget a @n2\nnext\nit waits\nset a 1\nexit\n'
  const { code, stdout } = await cli(['learn', '2', '--base-port', '0'], typed)
  t.equal(code, 0)
  t.match(stdout, /^starts: npm run stage 2\n(.|\n)*▶ in a second terminal:\n\$ ask\(\)/)
  t.match(stdout, /\(absent\)\n(.|\n)*"code":"not_leader"(.|\n)*▶ set a 1\n/)
  t.match(stdout, /now type: set a 1\nok\nyou predicted +it waits\ndone: the lesson prints\n {2}ok/)
  t.match(await cli(['learn', '77']), { code: 2, stderr: /there is no stage "77"/ })
})
