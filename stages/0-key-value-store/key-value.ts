import { type Application, storeApplication } from '../../src/application.js'
import { commands } from './commands.js'
import { append, cas, get, growthOf, remove, set } from './operations.js'
import { scan } from './scan.js'

/** The key-value store: what every stage replicates, unless a table names another application. */
export const keyValue: Application = storeApplication({
  name: 'key-value',
  commands,
  operations: { get, set, delete: remove, append, cas, scan },
  growthOf,
  proto: '0-key-value-store/key-value.proto',
})
