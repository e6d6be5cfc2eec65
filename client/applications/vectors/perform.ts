/** The effects of commands on the stores. No arithmetic on vectors is done here: it would have to be equal on all nodes. */
import { type Answer, refusal } from 'raft-roadmap/server'
import type { Metadata, VectorCommand } from './commands.js'
import { encodeVector, numbersIn } from './encoding.js'
import { limits } from './limits.js'
import { bytesOf, type Item, VectorStore } from './store.js'

/** The state that is replicated: stores by their names. */
export class Stores {
  readonly byName = new Map<string, VectorStore>()

  /** Bytes for which all items of all stores count. */
  get bytes(): number {
    let bytes = 0
    for (const store of this.byName.values()) bytes += store.bytes
    return bytes
  }
}

/** Error codes of this application, each with its meaning. Nothing was done, with any of them. */
export const vectorErrors = {
  no_such_store: 'there is no store of this name',
  store_exists: 'there is a store of this name, and its vectors have another length',
  wrong_dimension: 'a vector has another length than those of the store',
  too_many_stores: 'there are as many stores as there may be',
  full: 'the stores together hold as many bytes as they may',
} as const

type VectorErrorCode = keyof typeof vectorErrors

/** Makes a refusal with one of the application's codes. */
function refused(code: VectorErrorCode, why: string): Answer {
  return refusal(code, why)
}

export const noSuchStore = (name: string) => refused('no_such_store', `there is no store ${JSON.stringify(name)}`)

/** The refusal of a vector whose length is not the store's; null if it is. */
export function wrongDimension(name: string, { dimension }: VectorStore, length: number, what: string): Answer | null {
  if (length === dimension) return null
  return refused(
    'wrong_dimension',
    `the store ${JSON.stringify(name)} has vectors of ${dimension} numbers, and ${what} has ${length}`,
  )
}

/** Performs a command that changes the stores. A refusal leaves them as they were. */
export function perform(stores: Stores, command: VectorCommand, bytes: number = limits.bytes): Answer {
  switch (command.command) {
    case 'create_store':
      return createStore(stores, command)
    case 'drop_store':
      return { ok: true, existed: stores.byName.delete(command.store) }
    case 'set':
      return setItems(stores, command, bytes)
    case 'delete':
      return deleteItems(stores, command)
    default:
      throw new Error(`${command.command} changes nothing, so it is no command of the log`)
  }
}

type Of<Name extends VectorCommand['command']> = Extract<VectorCommand, { command: Name }>

function createStore({ byName }: Stores, { store, dimension }: Of<'create_store'>): Answer {
  const there = byName.get(store)
  if (there?.dimension === dimension) return { ok: true, created: false }
  if (there)
    return refused(
      'store_exists',
      `the store ${JSON.stringify(store)} is there, with vectors of ${there.dimension} numbers: drop it first`,
    )
  if (byName.size >= limits.stores) return refused('too_many_stores', `there are ${limits.stores} stores already`)
  byName.set(store, new VectorStore(dimension))
  return { ok: true, created: true }
}

function setItems(stores: Stores, { store: name, items }: Of<'set'>, bytes: number): Answer {
  const store = stores.byName.get(name)
  if (!store) return noSuchStore(name)
  const rows = items.map(({ id, vector, metadata = {} }) => {
    return { id, vector: numbersIn(vector), metadata, bytes: bytesOf(store.dimension, id, metadata) }
  })
  for (const { id, vector } of rows) {
    const wrong = wrongDimension(name, store, vector.length, `the item ${JSON.stringify(id)}`)
    if (wrong) return wrong
  }
  const more = rows.reduce((sum, { id, bytes }) => sum + bytes - (store.get(id)?.bytes ?? 0), 0)
  if (more > 0 && stores.bytes + more > bytes)
    return refused(
      'full',
      `the stores would hold ${stores.bytes + more} bytes; at most ${bytes}: delete something first`,
    )
  let added = 0
  for (const { id, vector, metadata, bytes } of rows) if (store.set(id, vector, metadata, bytes)) added++
  return { ok: true, added, replaced: rows.length - added }
}

function deleteItems({ byName }: Stores, { store: name, ids, where }: Of<'delete'>): Answer {
  const store = byName.get(name)
  if (!store) return noSuchStore(name)
  const named = ids ?? store.idsWhere(where!)
  return { ok: true, deleted: named.filter((id) => store.delete(id)).length }
}

/** An item as a client sees it. */
export interface ItemShown {
  readonly id: string
  readonly vector: string
  readonly metadata: Metadata
}

export function shown({ id, vector, metadata }: Item): ItemShown {
  return { id, vector: encodeVector(vector), metadata }
}

/** Items by their ids, in the order in which they were asked for; an id without an item is left out. */
export function getItems({ byName }: Stores, { store: name, ids }: Of<'get'>): Answer {
  const store = byName.get(name)
  if (!store) return noSuchStore(name)
  return { ok: true, items: ids.flatMap((id) => store.get(id) ?? []).map(shown) }
}

export function listStores({ byName }: Stores): Answer {
  const stores = [...byName].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    ok: true,
    stores: stores.map(([store, { dimension, size, bytes }]) => ({ store, dimension, items: size, bytes })),
  }
}
