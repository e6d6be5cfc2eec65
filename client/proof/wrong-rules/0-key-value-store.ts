import { storeApplication } from '../../../src/application.js'
import type { Operation, Store } from '../../../src/contracts.js'
import { type Stage, withApplication } from '../../../src/stage.js'
import type { Append, Cas } from '../../../stages/0-key-value-store/commands.js'
import { keyValue } from '../../../stages/0-key-value-store/key-value.js'
import keyValueStore from '../../../stages/0-key-value-store/stage.js'
import client from '../../../stages/1-client/stage.js'
import type { WrongRule } from './wrong-rule.js'

/** A store in which one operation is another, asked by the client of stage 1. */
function performing(operations: Partial<Record<string, Operation<Store>>>): Stage {
  const application = storeApplication({ ...keyValue, operations: { ...keyValue.operations, ...operations } as never })
  return { ...withApplication(keyValueStore, application), client: client.client }
}

/** Wrong operations on a single store. */
export const wrongOperations: readonly WrongRule[] = [
  {
    name: 'cas-without-compare',
    what: '`cas` writes whatever the key holds: two clients that both expect the old value both succeed',
    stage: performing({
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
    stage: performing({
      append: (map: Store, { key, value }: Append) => {
        const before = map.get(key) ?? ''
        map.set(key, before + value)
        return { ok: true, length: before.length }
      },
    }),
    caught: { guarantee: 'G3', climate: 'calm', seeds: 5 },
  },
]
