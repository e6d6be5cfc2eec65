import { equal, ok } from 'node:assert/strict'
import type { Answer } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import { type Cores, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { led } from './replication.js'

const { heartbeatTicks, requestTimeoutTicks, snapshotEntries } = timing

/** Five nodes, of which n1 leads and has committed so many entries. */
function written(cores: Cores, entries: number): void {
  for (let at = 0; at < entries; at++) cores.request('n1')
  cores.run()
  cores.tick('n1', heartbeatTicks)
  cores.run()
}

const indexOf = (answer: Answer | null) => (answer?.ok ? Number(answer.index) : 0)

/** n1 has a snapshot that a client copies, and three newer ones. */
function copying(stage: Stage): { cores: Cores; index: number } {
  const cores = led(stage)
  written(cores, 2)
  const request = cores.request('n1', { command: 'backup' })
  cores.run()
  cores.save('n1')
  const index = indexOf(cores.answer('n1', request))
  ok(index > 0)
  newer(cores)
  return { cores, index }
}

function newer(cores: Cores): void {
  for (let count = 0; count < 3; count++) {
    written(cores, 2 * snapshotEntries)
    cores.save('n1')
  }
}

/** A backup is a linearizable read of the whole state, copied piece by piece. */
export const backupClaims: Claims = {
  'a backup holds all that was committed when it was asked: the leader is confirmed first (thesis §6.4)'(stage) {
    const cores = led(stage)
    written(cores, 2)
    const { commit } = cores.status('n1')
    const request = cores.request('n2', { command: 'backup' })
    equal(cores.saving('n2'), null, 'nobody has confirmed the leader')
    cores.run()
    ok(cores.saving('n2')!.index >= commit!)
    cores.save('n2')
    ok(indexOf(cores.answer('n2', request)) >= commit!)
  },
  'a snapshot that a client copies is kept, whatever newer ones have come'(stage) {
    const { cores, index } = copying(stage)
    ok(cores.files('n1').includes(index))
  },
  'and it is let go when the client asks for no piece any more'(stage) {
    const { cores, index } = copying(stage)
    cores.tick('n1', 13 * requestTimeoutTicks)
    cores.take()
    cores.elect('n1')
    cores.run()
    newer(cores)
    ok(!cores.files('n1').includes(index))
  },
}
