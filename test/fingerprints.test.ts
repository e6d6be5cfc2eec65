import t from 'tap'
import { stages } from '../stages/index.js'
import { fingerprintOf, recorded } from './fingerprints.js'
import { size } from './helpers/effort.js'

t.test('each stage sends the messages that are on record: `npm run fingerprints` writes them anew', async (t) => {
  const record = recorded()
  t.same(
    Object.keys(record),
    stages.map(({ name }) => name),
  )
  for (const { number, name } of stages) {
    const found = await fingerprintOf(number, size(['few'], ['few', 'whole']))
    t.match(record[name], found, name)
  }
  const few = Object.values(record).map((sizes) => sizes.few)
  t.equal(new Set(few).size, stages.length - 2, 'all differ, but for stages 1 and 3, which change no message')
})
