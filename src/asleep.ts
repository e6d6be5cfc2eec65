import type { NodeSettings, Status } from './contracts.js'

/** The status of a node while its disk is being read. */
export function statusAsleep(stage: { readonly number: number }, { id, members }: NodeSettings): Status {
  const peers = members.map((member) => member.id).filter((peer) => peer !== id)
  return { id, stage: stage.number, role: 'starting', leader: null, applied: 0, peers }
}
