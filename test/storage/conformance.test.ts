import t from 'tap'
import { openLogStore } from '../../src/storage/open-log-store.js'
import { logStoreConformance } from './conformance.js'
import { snapshotConformance } from './snapshot-conformance.js'
import { kinds, owner } from './stores.js'

for (const kind of kinds) {
  logStoreConformance(t, kind)
  snapshotConformance(t, kind)
}

t.test('a log that outlives its process needs a folder', async (t) => {
  for (const kind of ['file', 'level'] as const)
    t.throws(() => openLogStore(kind, null, owner), { name: 'ConfigError', message: /needs a folder/ })
  t.ok(openLogStore('memory', null, owner))
})
