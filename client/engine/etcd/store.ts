/** Commands of the key-value store, as ranges, puts, deletes and transactions of etcd. */
import { type Answer, type Command, failure, limits } from '../../../src/contracts.js'
import { isLongerThan } from '../../../stages/0-key-value-store/commands.js'
import { pageAt, placeOf } from '../../../stages/0-key-value-store/page.js'
import { type EtcdApi, EtcdError, type Header, type RangeReply } from './api.js'
import { answerToRead } from './errors.js'
import { pages, rangeOf } from './range.js'

type Of<Fields> = Command & Fields
type Key = Of<{ readonly key: string }>
type Write = Of<{ readonly key: string; readonly value: string }>
type Cas = Of<{ readonly key: string; readonly expected: string | null; readonly value: string }>
type Scan = Of<{ readonly prefix?: string; readonly after?: string; readonly limit?: number; readonly page?: string }>

const bytes = (text: string) => Buffer.from(text)

/** Fields of an answer with etcd's revision as its index: beside a stale answer, and for who wants to know it. */
const indexOf = ({ withIndex, consistency }: Command, { revision }: Header) =>
  withIndex || consistency === 'stale' ? { index: Number(revision) } : {}

/** A key's value, and the revision of its last write; value null and revision 0 if it is absent. */
interface Held {
  readonly value: string | null
  readonly revision: string
}

function heldIn({ kvs: [found] }: RangeReply): Held {
  return found ? { value: found.value.toString(), revision: found.mod_revision } : { value: null, revision: '0' }
}

/** The failed answer of a read; or throws what is no answer of etcd. */
function failedRead(error: unknown): Answer {
  if (error instanceof EtcdError && error.isAnswer) return answerToRead(error)
  throw error
}

/**
 * Checks whether a read may be serializable: a stale answer is asked for, and not one that has to have seen some index,
 * which only a linearizable read assures.
 */
const mayBeStale = ({ consistency, atLeast }: Command) => consistency === 'stale' && atLeast === undefined

/** Completes the answer of a read with its index; refuses it if the store has not come as far as the reader has. */
function answered(command: Command, header: Header, answer: Answer & { ok: true }): Answer {
  const { atLeast = 0 } = command
  if (Number(header.revision) >= Number(atLeast)) return { ...answer, ...indexOf(command, header) }
  return failure('bad_request', `the store is at revision ${header.revision}, before "atLeast" ${Number(atLeast)}`)
}

async function get(api: EtcdApi, command: Key): Promise<Answer> {
  try {
    const reply = await api.ask('KV.Range', { key: bytes(command.key), serializable: mayBeStale(command) })
    return answered(command, reply.header, { ok: true, value: heldIn(reply).value })
  } catch (error) {
    return failedRead(error)
  }
}

async function set(api: EtcdApi, command: Write): Promise<Answer> {
  const { header } = await api.ask('KV.Put', { key: bytes(command.key), value: bytes(command.value) })
  return { ok: true, ...indexOf(command, header) }
}

async function remove(api: EtcdApi, command: Key): Promise<Answer> {
  const { header, deleted } = await api.ask('KV.DeleteRange', { key: bytes(command.key) })
  return { ok: true, existed: deleted !== '0', ...indexOf(command, header) }
}

/** A write that is done only if the key holds what was expected; otherwise the answer says what it holds. */
async function writeOver(
  api: EtcdApi,
  name: string,
  text: string,
  expected: { readonly value: string } | { readonly revision: string },
): Promise<{ readonly header: Header; readonly holds: Held | null }> {
  const key = bytes(name)
  const operand =
    'value' in expected
      ? ({ target: 'VALUE', value: bytes(expected.value) } as const)
      : ({ target: 'MOD', mod_revision: expected.revision } as const)
  const { header, succeeded, responses } = await api.ask('KV.Txn', {
    compare: [{ result: 'EQUAL', key, ...operand }],
    success: [{ request_put: { key, value: bytes(text) } }],
    failure: [{ request_range: { key } }],
  })
  return { header, holds: succeeded ? null : heldIn(responses[0]!.response_range!) }
}

async function cas(api: EtcdApi, command: Cas): Promise<Answer> {
  const { key, expected, value } = command
  const wanted = expected === null ? { revision: '0' } : { value: expected }
  const { header, holds } = await writeOver(api, key, value, wanted)
  if (!holds) return { ok: true, ...indexOf(command, header) }
  return failure('cas_mismatch', 'the key does not hold the expected value', { actual: holds.value })
}

/** The last append to each key that is under way at a node: it resolves with what the key held after it, if that is known. */
const appending = new WeakMap<EtcdApi, Map<string, Promise<Held | null>>>()

/**
 * Appends to a value. Appends that one connection is asked for wait for each other instead of racing, and each begins
 * with what the one before has left.
 */
async function append(api: EtcdApi, command: Write): Promise<Answer> {
  const { key } = command
  const turns = appending.get(api) ?? new Map<string, Promise<Held | null>>()
  appending.set(api, turns)
  const before = turns.get(key) ?? Promise.resolve(null)
  const appended = before.then((held) => appendTo(api, command, held))
  const after = appended.then(
    ({ held }) => held,
    () => null,
  )
  turns.set(key, after)
  try {
    return (await appended).answer
  } finally {
    if (turns.get(key) === after) turns.delete(key)
  }
}

/**
 * Reads a value, unless it may be known, and writes the longer one if the key has not been written since; otherwise
 * again, over what it holds now. Each try but the last has certainly changed nothing. A try whose outcome is unknown
 * ends the loop: another could append twice.
 */
async function appendTo(
  api: EtcdApi,
  { key, value, ...command }: Write,
  known: Held | null,
): Promise<{ readonly answer: Answer; readonly held: Held | null }> {
  let held = known
  try {
    held ??= heldIn(await api.ask('KV.Range', { key: bytes(key) }))
  } catch (error) {
    return { answer: failedRead(error), held: null }
  }
  for (;;) {
    const longer: string = (held.value ?? '') + value
    if (isLongerThan(limits.valueBytes, longer)) {
      // What was known may be old: only what was read now is a reason to refuse.
      if (held === known) return appendTo(api, { key, value, ...command }, null)
      const message = `append: the value would grow past ${limits.valueBytes} bytes of UTF-8`
      return { answer: failure('too_large', message), held: null }
    }
    const { header, holds } = await writeOver(api, key, longer, { revision: held.revision })
    if (!holds) {
      const answer = { ok: true as const, length: longer.length, ...indexOf(command, header) }
      return { answer, held: { value: longer, revision: header.revision } }
    }
    held = holds
  }
}

/** Bytes of entries in one answer, as our own nodes bound it. */
const answerBytes = limits.messageBytes / 2

/** Collects entries in key order. A page token names a revision: all pages of a scan are of one moment. */
async function scan(api: EtcdApi, command: Scan): Promise<Answer> {
  const { prefix = '', after, limit = limits.usualScanKeys, page } = command
  const place = page === undefined ? null : placeOf(page)
  if (page !== undefined && !/^\d+$/.test(place?.moment ?? ''))
    return failure('bad_request', 'scan: this is no page that an answer to scan gave')
  const range = place ? rangeOf(place.prefix, place.after) : rangeOf(prefix, after)
  const moment = place ? { revision: place.moment } : { serializable: mayBeStale(command) }
  const entries: [key: string, value: string][] = []
  let [header, more, room]: [Header | null, boolean, number] = [null, false, answerBytes]
  try {
    for await (const reply of pages(api, { ...range, ...moment, limit })) {
      header ??= reply.header
      more = reply.more
      for (const { key, value } of reply.kvs) {
        room -= key.length + value.length
        if (room < 0 && entries.length > 0) more = true
        else entries.push([key.toString(), value.toString()])
      }
      if (room < 0) break
    }
  } catch (error) {
    return failedRead(error)
  }
  const next = more && {
    page: pageAt({
      moment: place?.moment ?? header!.revision,
      prefix: place?.prefix ?? prefix,
      after: entries.at(-1)![0],
    }),
  }
  return answered(command, header!, { ok: true, entries, more, ...next })
}

/** The commands of the store, each as etcd performs it. @throws EtcdError if etcd does not do a write, or may not */
export const storeCommands = { get, set, delete: remove, append, cas, scan }
