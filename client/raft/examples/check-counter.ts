import { reducer } from 'raft-roadmap/raft'
import { simulateMachine } from 'raft-roadmap/simulation'

const { findings, smallest, done } = await simulateMachine({
  machine: () =>
    reducer({
      initial: 0,
      apply: (total: number, { add }: { add: number }) => ({ state: total + add, result: total + add }),
      query: (total: number, _query: 'total') => total,
    }),
  command: (random) => ({ add: random.between(1, 9) }),
  query: () => 'total' as const,
  seeds: 5,
})

for (const { climate, seed, what } of findings) console.log(`${climate} ${seed}: ${what}`)
if (smallest) console.log(smallest.story.join('\n'))
console.log(`${done} calls were done, and ${findings.length} faults were found`)
