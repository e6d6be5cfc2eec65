import { etcdIsMissing, startEtcd } from './etcd/cluster.js'
import { startIdealLog } from './ideal-log/cluster.js'
import type { ContenderName, Profile } from './profiles.js'
import { type Server, startEcho } from './servers.js'
import { StageCluster } from './stage-cluster.js'

interface Contender {
  readonly title: string
  /** Why it cannot be measured here, as a sentence that says what to do; null if it can. */
  readonly missing: () => string | null
  start(profile: Profile): Promise<Server>
}

const always = () => null

/** What a cluster can be measured against. */
export const contenders: Readonly<Record<ContenderName, Contender>> = {
  echo: { title: 'echo server', missing: always, start: ({ echo }) => startEcho(echo) },
  ideal: { title: 'ideal log', missing: always, start: ({ nodes }) => startIdealLog(nodes) },
  traced: { title: 'traced', missing: always, start: (profile) => StageCluster.start(profile, 'traced') },
  watched: { title: 'watched', missing: always, start: (profile) => StageCluster.start(profile, 'watched') },
  etcd: { title: 'etcd', missing: etcdIsMissing, start: ({ nodes }) => startEtcd(nodes) },
}
