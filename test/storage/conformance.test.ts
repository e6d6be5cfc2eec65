import t from 'tap'
import { logStoreConformance } from './conformance.js'
import { kinds } from './stores.js'

for (const kind of kinds) logStoreConformance(t, kind)
