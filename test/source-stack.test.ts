import t from 'tap'
import { SimulatedClient } from '../src/proof/simulation/client.js'
import { inSources } from '../src/server/source-stack.js'

function stackOf(task: () => void): string {
  try {
    task()
  } catch (error) {
    return (error as Error).stack!
  }
  throw new Error('the task failed at nothing')
}

t.test('a stack names the places in the sources', async (t) => {
  const stack = stackOf(() => new SimulatedClient({ stage: { client: null } } as never, 'c1'))
  t.match(stack, /dist\/src\/proof\/simulation\/client\.js:\d+:\d+/)
  const said = inSources(stack)
  t.match(said, /\/src\/proof\/simulation\/client\.ts:\d+:\d+/)
  t.match(said, /\/test\/source-stack\.test\.ts:\d+:\d+/)
  t.notMatch(said, /dist\/|\.js:/)
  t.equal(said.split('\n').length, stack.split('\n').length)
})

t.test('a place without a map stays as it is', async (t) => {
  for (const stack of ['Error: x\n    at file:///nowhere/a.js:1:2', 'Error: x\n    at node:fs:1:2', ''])
    t.equal(inSources(stack), stack)
})
