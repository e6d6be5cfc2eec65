import { z } from 'zod'
import { shape } from '../../src/command-shape.js'
import { type Checked, type Command, failure, limits } from '../../src/contracts.js'
import { placeOf, tokenUnits } from './page.js'

const encoder = new TextEncoder()

/** Checks whether a text takes more than `bytes` bytes of UTF-8; counts them only when the length leaves a doubt. */
export function isLongerThan(bytes: number, text: string): boolean {
  return text.length * 3 > bytes && (text.length > bytes || encoder.encode(text).length > bytes)
}

const tooLarge = { params: { code: 'too_large' } }

/** Text that survives the wire: a lone surrogate has no bytes in UTF-8. */
export function text(bytes: number, error = 'a string') {
  return z
    .string({ error })
    .refine((value) => value.isWellFormed(), { error: 'well-formed Unicode (it holds half of a surrogate pair)' })
    .refine((value) => !isLongerThan(bytes, value), { error: `at most ${bytes} bytes of UTF-8`, ...tooLarge })
}

const key = text(limits.keyBytes).refine((value) => value !== '', { error: 'a string that is not empty' })
const value = text(limits.valueBytes)
const expected = text(limits.valueBytes, 'a string, or null for "absent"').nullable()
const prefix = text(limits.keyBytes)
const page = text(limits.keyBytes + tokenUnits)
const limit = z
  .int({ error: 'a whole number' })
  .min(1, { error: 'at least 1' })
  .max(limits.scanKeys, { error: `at most ${limits.scanKeys}` })

/** The key of a command about one key. */
const oneKey = ({ key }: Command) => [String(key)]
/** The prefix of a scan, or of the scan that a page goes on with: `after` and `limit` only leave keys out. */
const scanned = ({ prefix = '', page }: Command) => [
  String(page === undefined ? prefix : (placeOf(String(page))?.prefix ?? '')),
]

const scanShape = shape(
  'scan',
  { prefix: prefix.optional(), after: prefix.optional(), limit: limit.optional(), page: page.optional() },
  {
    help: 'entries in key order, by prefix; "page" goes on as of then, the last key as "after" as of now',
    readOnly: true,
    keys: scanned,
  },
)

/** A page token says where a scan goes on. A prefix beside it must be its own, and `after` may only be empty. */
function checkScan(candidate: object): Checked {
  const checked = scanShape.check(candidate)
  if (!checked.ok || checked.command.page === undefined) return checked
  const { page, prefix, after } = checked.command as unknown as { page: string; prefix?: string; after?: string }
  const place = placeOf(page)
  if (!place) return failure('bad_request', 'scan: "page" must be a page that an answer to scan gave')
  if ((prefix ?? place.prefix) !== place.prefix) {
    return failure('bad_request', 'scan: "page" must be of the same "prefix"; it may be left out beside a page')
  }
  if (after) return failure('bad_request', 'scan: "page" must be without "after": a page says where to go on')
  return checked
}

/** Everything a client may ask of a key-value store, and in what shape. */
export const commands = {
  get: shape('get', { key }, { help: 'the value of a key, or null', readOnly: true, keys: oneKey }),
  set: shape('set', { key, value }, { help: 'write a value', readOnly: false, keys: oneKey }),
  delete: shape('delete', { key }, { help: 'remove a key; says whether it existed', readOnly: false, keys: oneKey }),
  append: shape(
    'append',
    { key, value },
    { help: 'add to the end of a value; says its new length', readOnly: false, keys: oneKey },
  ),
  cas: shape(
    'cas',
    { key, expected, value },
    { help: 'compare and set: write only over the expected value (null: absent)', readOnly: false, keys: oneKey },
  ),
  scan: { ...scanShape, check: checkScan },
}

/** Everything a client may ask of a node itself. */
export const nodeCommands = {
  info: shape('info', {}, { help: 'what this node knows of itself', readOnly: true, role: 'read' }),
  ping: shape('ping', {}, { help: 'is anybody there?', readOnly: true, role: 'none' }),
}

type Of<Name extends keyof typeof commands> = z.infer<(typeof commands)[Name]['schema']>
export type Get = Of<'get'>
export type SetValue = Of<'set'>
export type Delete = Of<'delete'>
export type Append = Of<'append'>
export type Cas = Of<'cas'>
export type Scan = Of<'scan'>
