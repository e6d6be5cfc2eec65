import t from 'tap'
import { cli } from '../helpers/running.js'

t.test('log: what is on the disks, beside each other or one by one', async (t) => {
  const lines = ['set a 1', 'get a', 'kill n3', 'set key longer-than-a-cell', 'log', 'log 1', 'log n3', 'status']
  const input = [...lines, 'log n9', 'log 0', 'log n1 2 3'].join('\n')
  const { stdout, code } = await cli(['run', '4', '--base-port', '0'], input)
  t.equal(code, 2, 'the last lines were mistyped')
  t.match(stdout, /\n +n1 +n2 +n3 +n4 +n5\n1 +t1 set a 1 +t1 set a 1 +t1 set a 1/)
  t.match(
    stdout,
    /\n3 +t1 set key … {2}(t1 set key … {2}|· +){2}/,
    'a long command is shortened; n3 is dead and has none',
  )
  t.match(stdout, /\n2 +t1 get a .*\n3 .*\nnow +term 1 +term 1 +term 1/)
  t.match(stdout, /\n +n1 +n2 +n3 +n4 +n5\n3 +t1 set key/, 'as many as asked for, from the end')
  t.match(stdout, /segment 1\n {2}batch 1\n {4}term 1, no vote\n(.*\n)*n3 {2}✔ sound/)
  t.match(stdout, /role +leader +term +last log +commit +applied\nn1 .* leader +n1 +1 +3 +3 +3\n/)
  t.match(stdout, /there is no node n9; there are n1, n2, n3, n4, n5\nusage: log \[n3\] \[20\]\nusage: log/)
})

t.test('log: not where nothing is written', async (t) => {
  for (const args of [
    ['run', '2'],
    ['run', '4', '--log', 'memory'],
  ])
    t.match(await cli([...args, '--nodes', '1', '--base-port', '0'], 'log\n'), {
      code: 2,
      stdout: /there are no logs to look at here/,
    })
})
