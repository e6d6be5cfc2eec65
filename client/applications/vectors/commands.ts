/** Everything a client may ask of a vector store, and in what shape. */
import { type Checked, type CommandShape, refusal, shape, text } from 'raft-roadmap/server'
import { z } from 'zod'
import { decodeVector, encodeVector } from './encoding.js'
import { limits } from './limits.js'
import { metrics } from './search.js'

/** Metadata of an item: texts under keys. */
export type Metadata = Readonly<Record<string, string>>

/** Makes a field of a function that turns a value into another one, or throws a sentence about what it must be. */
function field<T>(read: (value: unknown) => T) {
  return z.unknown().transform((value, context) => {
    try {
      return read(value)
    } catch (error) {
      const { message, code } = error as Must
      context.addIssue({ code: 'custom', message, ...(code && { params: { code } }) })
      return z.NEVER
    }
  })
}

/** A sentence about what a field must be. */
class Must extends Error {
  readonly code: string | undefined

  constructor(message: string, code?: 'too_large') {
    super(message)
    this.code = code
  }
}

const named = (bytes: number) => text(bytes).refine((name) => name !== '', { error: 'a text that is not empty' })
const store = named(limits.storeBytes)
const id = named(limits.idBytes)

/** Reads a vector: base64 stays as it is, and a list of numbers becomes base64. */
function readVector(value: unknown): string {
  const vector = typeof value === 'string' ? decodeVector(value) : Array.isArray(value) ? listed(value) : null
  if (vector === null) throw new Must('base64 of float32 numbers, little-endian, or a list of numbers')
  if (vector.length > limits.dimension) throw new Must(`at most ${limits.dimension} numbers`, 'too_large')
  if (!vector.every(Number.isFinite)) throw new Must('numbers that are finite as float32')
  return typeof value === 'string' ? value : encodeVector(vector)
}

function listed(values: readonly unknown[]): Float32Array | null {
  return values.length > 0 && values.every((value) => typeof value === 'number') ? Float32Array.from(values) : null
}

/** Reads texts under keys, and puts the keys in order: equal metadata has one form. */
function readTexts(value: unknown): Metadata {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  const entries = isObject ? Object.entries(value) : []
  if (!isObject || !entries.every((pair) => pair.every((part) => typeof part === 'string' && part.isWellFormed())))
    throw new Must('an object whose values are texts')
  if (entries.length > limits.keys) throw new Must(`at most ${limits.keys} keys`, 'too_large')
  const texts = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) as Metadata
  if (Buffer.byteLength(JSON.stringify(texts)) > limits.metadataBytes)
    throw new Must(`at most ${limits.metadataBytes} bytes of JSON`, 'too_large')
  return texts
}

/** Reads a condition on metadata: each key must have its value. */
function readWhere(value: unknown): Metadata {
  const where = readTexts(value)
  if (Object.keys(where).length === 0) throw new Must('an object with at least one key')
  return where
}

const vector = field(readVector)
const metadata = field((value) => (value === undefined ? {} : readTexts(value)))
const where = field((value) => (value === undefined ? undefined : readWhere(value)))
const item = z.strictObject({ id, vector, metadata: metadata.optional() })

/** One id, or a list of them: a person types one. */
const ids = (most: number) =>
  z.union([id.transform((one) => [one]), z.array(id).min(1).max(most)], {
    error: `an id, or a list of 1 to ${most} ids`,
  })

const shapes = {
  create_store: shape(
    'create_store',
    { store, dimension: z.int({ error: 'a whole number' }).min(1, { error: 'at least 1' }).max(limits.dimension) },
    { help: 'make a store for vectors of so many numbers; says whether it was made', readOnly: false },
  ),
  drop_store: shape(
    'drop_store',
    { store },
    { help: 'remove a store with all its items; says whether it existed', readOnly: false },
  ),
  set: shape(
    'set',
    { store, items: z.array(item, { error: 'a list of items' }).min(1).max(limits.items) },
    { help: 'add or replace items, {id, vector, metadata?} each: all of them or none', readOnly: false },
  ),
  delete: shape(
    'delete',
    { store, ids: ids(limits.items).optional(), where: where.optional() },
    { help: 'remove items: those with these ids, or all whose metadata is so; says how many', readOnly: false },
  ),
  get: shape('get', { store, ids: ids(limits.gotten) }, { help: 'items by their ids', readOnly: true }),
  list_stores: shape(
    'list_stores',
    {},
    { help: 'all stores: their dimension, their items, and their bytes', readOnly: true },
  ),
  nearest: shape(
    'nearest',
    {
      store,
      vector,
      k: z.int({ error: 'a whole number' }).min(1, { error: 'at least 1' }).max(limits.nearest).optional(),
      metric: z.enum(metrics, { error: `one of ${metrics.join(', ')}` }).optional(),
      where: where.optional(),
    },
    { help: 'the k nearest items, 10 if k is left out, by cosine (usual), dot or euclidean', readOnly: true },
  ),
}

type Of<Name extends keyof typeof shapes> = z.infer<(typeof shapes)[Name]['schema']>
/** A command as the state machine gets it: checked, each vector as base64. */
export type VectorCommand = { [Name in keyof typeof shapes]: Of<Name> }[keyof typeof shapes]

const { set, delete: remove } = shapes

/** All of a `set` is checked before anything of it is proposed: its bytes, and that no id stands in it twice. */
function checkSet(candidate: object, beside?: readonly string[]): Checked {
  const checked = set.check(candidate, beside)
  if (!checked.ok) return checked
  const { items } = checked.command as unknown as Of<'set'>
  const bytes = Buffer.byteLength(JSON.stringify(checked.command))
  if (bytes > limits.setBytes)
    return refusal('too_large', `set: it has ${bytes} bytes of JSON; at most ${limits.setBytes}: send it in parts`)
  const keys = items.reduce((sum, { metadata = {} }) => sum + Object.keys(metadata).length, 0)
  if (keys > limits.allKeys)
    return refusal('too_large', `set: its items have ${keys} keys of metadata; at most ${limits.allKeys}`)
  const seen = new Set<string>()
  for (const { id } of items) {
    if (seen.has(id)) return refusal('bad_request', `set: the id ${JSON.stringify(id)} is there twice`)
    seen.add(id)
  }
  return checked
}

function checkDelete(candidate: object, beside?: readonly string[]): Checked {
  const checked = remove.check(candidate, beside)
  if (!checked.ok) return checked
  const { ids, where } = checked.command
  if ((ids === undefined) !== (where === undefined)) return checked
  return refusal('bad_request', 'delete: either "ids" or "where" says what to remove')
}

export const commands: Readonly<Record<VectorCommand['command'], CommandShape>> = {
  ...shapes,
  set: { ...set, check: checkSet },
  delete: { ...remove, check: checkDelete },
}
