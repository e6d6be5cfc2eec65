import type { Store } from '../../../src/contracts.js'
import { type Stage, type StageTable, stage } from '../../../src/stage.js'
import type { Append, Cas } from '../../../stages/0-key-value-store/commands.js'
import type { Server } from '../../../stages/0-key-value-store/server.js'
import keyValueStore from '../../../stages/0-key-value-store/stage.js'
import client from '../../../stages/1-client/stage.js'
import type { WrongRule } from './wrong-rule.js'

const store = keyValueStore.table

/** A store with other operations, which the client of stage 1 asks. */
function operating(operations: StageTable<Server, never>['operations']): Stage {
  return { ...stage({ ...store, operations: { ...store.operations, ...operations } }), client: client.client }
}

/** Wrong operations on a single store. */
export const wrongOperations: readonly WrongRule[] = [
  {
    name: 'cas-without-compare',
    what: '`cas` writes whatever the key holds: two clients that both expect the old value both succeed',
    stage: operating({
      cas: (map: Store, { key, value }: Cas) => {
        map.set(key, value)
        return { ok: true }
      },
    }),
    caught: { guarantee: 'G3', climate: 'calm', seeds: 5 },
  },
  {
    name: 'append-answers-before-it-adds',
    what: '`append` answers the length that the value had before',
    stage: operating({
      append: (map: Store, { key, value }: Append) => {
        const before = map.get(key) ?? ''
        map.set(key, before + value)
        return { ok: true, length: before.length }
      },
    }),
    caught: { guarantee: 'G3', climate: 'calm', seeds: 5 },
  },
]
