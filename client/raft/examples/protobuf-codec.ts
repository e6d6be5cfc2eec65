import protobuf from 'protobufjs'
import { type Codec, reducer } from 'raft-roadmap/raft'
import { simulateMachine } from 'raft-roadmap/simulation'

interface Transfer {
  from: string
  to: string
  amount: number
}

const type = protobuf
  .parse('syntax = "proto3"; message Transfer { string from = 1; string to = 2; uint32 amount = 3; }')
  .root.lookupType('Transfer')

/** Commands as protobuf: a log of these holds their bytes. */
const codec: Codec<Transfer> = {
  encode(transfer) {
    const problem = type.verify(transfer)
    if (problem) throw new Error(problem)
    return type.encode(type.create(transfer)).finish()
  },
  decode: (bytes) => type.toObject(type.decode(bytes as Uint8Array), { defaults: true }) as Transfer,
}

const names = ['ann', 'ben', 'cem']
const { findings, done } = await simulateMachine({
  codec,
  machine: () =>
    reducer({
      initial: { ann: 100, ben: 100, cem: 100 } as Record<string, number>,
      apply: (purses: Record<string, number>, { from, to, amount }: Transfer) => {
        if (from === to || purses[from]! < amount) return { state: purses, result: 'refused' }
        return { state: { ...purses, [from]: purses[from]! - amount, [to]: purses[to]! + amount }, result: 'moved' }
      },
    }),
  command: (random) => ({ from: random.pick(names), to: random.pick(names), amount: random.between(1, 60) }),
  seeds: 5,
})
console.log(`${done} transfers were done, and ${findings.length} faults were found`)
