import type { Play } from '../../src/proof/matrix.js'
import { playVirtually } from '../../src/proof/scenario/virtual.js'
import { playOnProcesses } from './scenario/real.js'

/** The players of scenarios: virtual time where it can, and five real processes where only they will do. */
export const players: { readonly virtual: Play; readonly real: Play } = {
  virtual: (scenario, stage) => playVirtually(scenario, stage),
  real: (scenario, stage) => playOnProcesses(scenario, stage),
}

export { catalogue as scenarios } from '../../src/proof/scenario/catalogue.js'
export { recordedOnHosts } from '../../src/proof/scenario/on-record.js'
