import t from 'tap'
import type { Message, Network } from '../../src/contracts.js'
import { FaultyNetwork } from '../../src/network/faults.js'

/** A network that notes what is sent, a clock that is wound by hand, and chance as it is given. */
function held(chances: readonly number[]) {
  const sent: string[] = []
  const timers: { ms: number; task: () => void }[] = []
  const network: Network = {
    start: async () => {},
    send: ({ type }) => void sent.push(type),
    setIdentity() {},
    setPeers() {},
    stop: async () => {},
  }
  const left = [...chances]
  const clock = {
    now: () => 0,
    after(ms: number, task: () => void) {
      timers.push({ ms, task })
      return () => {}
    },
    soon: (task: () => void) => task(),
  }
  const elapse = () => {
    for (const { task } of timers.splice(0).sort((a, b) => a.ms - b.ms)) task()
  }
  return { sent, timers, elapse, faulty: new FaultyNetwork(network, { clock, random: { next: () => left.shift()! } }) }
}

const message = (type: string): Message => ({ type, from: 'n1', to: 'n2' })

t.test('messages that are held up overtake each other; without a delay they leave at once', async (t) => {
  const { sent, timers, elapse, faulty } = held([0.9, 0.1])
  faulty.send(message('at once'))
  faulty.delay({ minMs: 10, maxMs: 20 })
  faulty.send(message('first'))
  faulty.send(message('second'))
  t.same(sent, ['at once'])
  t.same(
    timers.map(({ ms }) => ms),
    [19, 11],
  )
  elapse()
  t.same(sent, ['at once', 'second', 'first'])
  faulty.delay(null)
  faulty.send(message('again at once'))
  t.equal(sent.at(-1), 'again at once')
  t.same(timers, [])
})

t.test('what is sent over a cut link is lost, held up or not; healing does not hurry anything', async (t) => {
  const { sent, elapse, faulty } = held([0, 0])
  faulty.delay({ minMs: 1, maxMs: 1 })
  faulty.cut('n1>n2')
  faulty.send(message('lost'))
  faulty.heal()
  faulty.send(message('late'))
  t.same(sent, [])
  elapse()
  t.same(sent, ['late'])
})
