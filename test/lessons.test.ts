/**
 * Each transcript in the lessons and in README is played on real processes, and has to come out as printed. Some of
 * them: `node dist/test/lessons.test.js 4 README`, or `LESSONS=4,README`; all of them: `LESSONS=all`. `LESSON_TRACE=1`
 * shows each step, `LESSON_ATTEMPTS=1` reads each once.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readScript } from '../client/learn/steps.js'
import { stages } from '../stages/index.js'
import { root } from './docs.js'
import { size } from './helpers/effort.js'
import { etcdOnly } from './helpers/etcd.js'
import { Deviation, play } from './lessons/play.js'

/** Elections differ: one that takes two rounds is no mistake of the lesson's. A wrong print fails each time. */
const attempts = Number(process.env.LESSON_ATTEMPTS ?? 3)

const documents = new Map(stages.map(({ number, name }) => [String(number), `stages/${name}/README.md`]))
documents.set('README', 'README.md')
documents.set('etcd', 'client/engine/README.md')

/** The documents that have come out whole, each time; `npm test` plays two. The others are played when asked for. */
const settled = size(['0', 'README'], ['0', '1', '2', '3', '4', '5', '6', 'README', 'etcd'])

const asked = [...process.argv.slice(2), ...(process.env.LESSONS?.split(',') ?? [])]
const wanted = asked.includes('all') ? [...documents.keys()] : asked.length > 0 ? asked : settled

for (const [name, path] of documents) {
  if (!wanted.includes(name)) continue
  t.test(path, name === 'etcd' ? etcdOnly : {}, async (t) => {
    const script = readScript(readFileSync(join(root, path), 'utf8'))
    for (const { line, reason } of script.unmarked) t.fail(`${path}, line ${line}: ${reason}`)
    const deviations: string[] = []
    const began = performance.now()
    while (deviations.length < attempts) {
      try {
        await play(script)
        break
      } catch (error) {
        if (!(error instanceof Deviation)) throw error
        deviations.push(error.message)
      }
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    t.comment(
      `${path}: ${script.steps.length} steps played in ${seconds} s, ${script.skipped.length} blocks not played`,
    )
    for (const { line, reason } of script.skipped) t.comment(`not played, line ${line}: ${reason}`)
    for (const deviation of deviations) t.comment(deviation)
    t.ok(deviations.length < attempts, `${path} comes out as printed`)
  })
}
